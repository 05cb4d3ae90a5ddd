// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// defaultsOfMachine are flags whose default is found out on the machine where the
// program runs, with what a manual says instead.
var defaultsOfMachine = map[string]string{
	"uid": "that of the process", "gid": "that of the process", "time-zone": "that of the machine",
}

// newManCommand is for those who make packages: the help texts are the one source
// of the manual pages.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write man pages to a directory",
		Hidden:  true,
		Example: `  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) moonfirefs man /tmp/man`,
		Args:    asUsage(needs("DIR")),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("man: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			describeDefaults(root)
			header := &doc.GenManHeader{Section: "1", Source: "moonfirefs " + version(), Manual: "moonfirefs"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("man: %w", err)
			}
			return addManSections(root, args[0])
		},
	}
}

func describeDefaults(cmd *cobra.Command) {
	for name, words := range defaultsOfMachine {
		if flag := cmd.Flags().Lookup(name); flag != nil {
			flag.DefValue = words
		}
	}
	for _, child := range cmd.Commands() {
		describeDefaults(child)
	}
}
