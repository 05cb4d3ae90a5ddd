// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxTypos is how many letters may be wrong in what is taken for something else.
const maxTypos = 2

// suggest adds to an error what was probably meant by a word: one of the
// commands below cmd.
func suggest(err error, prefix string, cmd *cobra.Command, word string) error {
	cmd.SuggestionsMinimumDistance = maxTypos
	similar := cmd.SuggestionsFor(word)
	if len(similar) == 0 {
		return err
	}
	return fmt.Errorf("%w; did you mean %s%s?", err, prefix, strings.Join(similar, " or "+prefix))
}

// suggestFlag adds to an error about an unknown flag what was probably meant, and takes
// addresses out of one about a value.
func suggestFlag(cmd *cobra.Command, err error) error {
	if invalid := new(pflag.InvalidValueError); errors.As(err, &invalid) && isAddress(invalid.GetValue()) {
		// Without the value, in which there may be a password.
		return fmt.Errorf("--%s: an address is not a valid value", invalid.GetFlag().Name)
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	// As commands, so that flags and commands are compared alike.
	flags := &cobra.Command{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	return suggest(err, "--", flags, unknown.GetSpecifiedName())
}
