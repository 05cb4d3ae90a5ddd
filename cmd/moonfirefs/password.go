// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/printable"
)

// passwordVariable names the environment variable that can hold the password of
// the camera to add.
const passwordVariable = "MOONFIREFS_CAMERA_PASSWORD"

// addPassword finds the password of a camera that has a user name: in the file
// that was named, in the environment, in the URL, or by asking.
func (f *cameraFlags) addPassword(cmd *cobra.Command, c *moonfirefs.Camera) (err error) {
	fromEnvironment, ok := os.LookupEnv(passwordVariable)
	switch {
	case f.passwordFile != "":
		c.Password, err = f.readPassword(cmd)
	case ok:
		c.Password = fromEnvironment
	case c.Username != "" && c.Password == "":
		c.Password, err = askPassword(cmd, c)
	}
	if err != nil {
		return err
	}
	if c.Password != "" && c.Username == "" {
		return &usageError{errors.New("there is a password but no --username")}
	}
	return nil
}

func (f *cameraFlags) readPassword(cmd *cobra.Command) (string, error) {
	// It may be a pipe that nobody writes to.
	return awaitAnswer(cmd.Context(), func() (string, error) {
		in := cmd.InOrStdin()
		if f.passwordFile != "-" {
			file, err := os.Open(f.passwordFile)
			if err != nil {
				return "", fmt.Errorf("read password: %w", err)
			}
			defer file.Close()
			in = file
		}
		return firstLine(in)
	})
}

// firstLine reads a line of up to maxSecretBytes.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxSecretBytes+1)).ReadString('\n')
	if len(line) > maxSecretBytes {
		return "", fmt.Errorf("read password: the line has more than %d bytes", maxSecretBytes)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	line = strings.TrimPrefix(line, "\uFEFF") // some editors begin files with it
	if strings.ContainsRune(line, 0) {
		return "", errors.New("read password: it has a NUL: it must be plain text, in UTF-8 and not in UTF-16")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// askPassword asks on the terminal, if there is one. A camera may also have a
// user name and no password.
func askPassword(cmd *cobra.Command, c *moonfirefs.Camera) (string, error) {
	terminal, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return "", nil
	}
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "Password of %s at camera %s: ", printable.Text(c.Username), printable.Text(c.ShortName))
	password, err := awaitPassword(cmd.Context(), terminal)
	_, _ = fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return password, nil
}
