// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// editFlags are the flags of camera edit. Those that are not given change
// nothing.
type editFlags struct {
	cameraFlags
	url                   string
	record, password, yes bool
}

func newCameraEditCommand(g *global) *cobra.Command {
	f := &editFlags{}
	cmd := &cobra.Command{
		Use:   "edit NAME",
		Short: "Change a camera",
		Long: `Changes only what the flags name. A running recorder applies the change within a
second. If address, credentials, audio or directory change, it reconnects to the
camera, which costs a second or two of footage; other cameras are not affected. If
address or credentials change, the camera is tested first.

A lower quota or limit in time can have footage deleted. Then the command says how much,
and asks.

Existing recordings stay in their directory; --dir applies to new ones. The name
cannot be changed, because every file contains it.

The password is taken from $` + passwordVariable + `, from a file
(--password-file, - for standard input), or from a prompt.`,
		Example: `  moonfirefs camera edit driveway --retain 800GB
  moonfirefs camera edit driveway --retain-for 72h
  moonfirefs camera edit driveway --retain-events 200GB
  moonfirefs camera edit driveway --url rtsp://192.0.2.20/main --username admin
  moonfirefs camera edit driveway --password
  moonfirefs camera edit garden --dir /media/disk2/samples
  moonfirefs camera edit garden --record=false`,
		Args: asUsage(needs("NAME")),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withStore(cmd, store.Configuring, func(o *opened) error { return f.edit(g, o, args[0]) })
		},
	}
	f.add(cmd)
	return cmd
}

// add adds the flags. moonfirefs apply has the same, as keys of its file.
func (f *editFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.description, "description", "", "description of the camera")
	f.addAudio(cmd)
	cmd.Flags().StringVar(&f.url, "url", "", "URL of the main stream")
	cmd.Flags().StringVar(&f.sub, "sub", "", "URL of the sub stream; a new sub stream needs --sub-retain")
	f.limits.add(cmd, mainFlags, "")
	f.subLimits.add(cmd, subFlags, "")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().StringVar(&f.dir, "dir", "", "directory for new recordings, as shown by \"dir list\"")
	cmd.Flags().BoolVar(&f.password, "password", false, "change the password: prompt for it, or take it from $"+passwordVariable)
	cmd.Flags().BoolVar(&f.record, "record", true, "record the camera; =false only shows its footage")
	cmd.Flags().BoolVar(&f.noTest, "no-test", false, "apply the change without testing the camera")
	f.addConnection(cmd)
}

// connectionFlags are those that change the way to a camera.
var connectionFlags = []string{"url", "sub", "transport", "certificate", "username", "password-file", "password"}

func (f *editFlags) edit(g *global, o *opened, name string) error {
	given := givenFlags(o.cmd)
	if !slices.ContainsFunc(given, func(name string) bool { return name != "yes" && name != "no-test" }) {
		return &usageError{errors.New("nothing to change: give a flag, such as --retain")}
	}
	if err := requireNotEmpty(o.cmd); err != nil {
		return err
	}
	var measured bitRates
	c, err := curate.EditCamera(o.cmd.Context(), o.DB, name, func(c *moonfirefs.Camera) error {
		before := c.Settings()
		err := f.apply(o, c)
		if err == nil && !f.noTest && !c.Retired && slices.ContainsFunc(given, isOneOf(connectionFlags)) {
			measured, err = g.testNewCamera(o, c)
		}
		if err != nil {
			return err
		}
		return o.confirmLimits(&before, c, f.yes)
	})
	if err != nil {
		return err
	}
	if err := o.printf("Changed camera %s.", c.ShortName); err != nil {
		return err
	}
	return o.tellLimits(c, measured, func(s *moonfirefs.Stream) bool {
		names := mainFlags
		if s.Kind == moonfirefs.SubStream {
			names = subFlags
		}
		return slices.ContainsFunc(given, isOneOf([]string{names.retain, names.retainForIt, names.retainEvents, "dir"}))
	})
}

// requireNotEmpty refuses flags without a value that cannot be meant: a variable of a script
// was empty.
func requireNotEmpty(cmd *cobra.Command) (err error) {
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Value.String() == "" && f.Name != "description" && f.Name != "username" {
			err = &usageError{fmt.Errorf("--%s has no value", f.Name)}
		}
	})
	return err
}

// givenFlags lists the flags of the command, but not those of every command, that
// were given.
func givenFlags(cmd *cobra.Command) (names []string) {
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			names = append(names, f.Name)
		}
	})
	return names
}

func isOneOf(names []string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}

// apply changes c as the flags say.
func (f *editFlags) apply(o *opened, c *moonfirefs.Camera) error {
	given := isOneOf(givenFlags(o.cmd))
	if given("description") {
		c.Description = f.description
	}
	if given("record") {
		c.Retired = !f.record
	}
	if given("audio") {
		c.NoAudio = !f.audio
	}
	for _, s := range []struct {
		names  streamFlags
		url    string
		limits *limitFlags
	}{{mainFlags, f.url, &f.limits}, {subFlags, f.sub, &f.subLimits}} {
		if err := f.editStream(c, s.names, s.url, s.limits); err != nil {
			return err
		}
	}
	for i := range c.Streams {
		if given("transport") {
			c.Streams[i].Transport = moonfirefs.Transport(f.transport)
		}
		var err error
		if c.Streams[i].URL, err = f.withCertificate(c.Streams[i].URL); err != nil {
			return err
		}
		if err := f.editDir(o, c, &c.Streams[i]); err != nil {
			return err
		}
	}
	return f.editCredentials(o.cmd, c)
}

// editStream changes URL and limits where they are not empty, and adds the stream if
// the camera has none of its kind.
func (f *editFlags) editStream(c *moonfirefs.Camera, names streamFlags, address string, limits *limitFlags) error {
	i := slices.IndexFunc(c.Streams, func(s moonfirefs.Stream) bool { return s.Kind == names.kind })
	if i < 0 {
		if address == "" && limits.empty() {
			return nil
		}
		if address == "" {
			return &usageError{fmt.Errorf("--%s: camera %s has no %s stream: give its URL with --%s", names.retain, c.ShortName, names.kind, names.url)}
		}
		return f.addStream(c, names, address, limits)
	}
	if address != "" {
		plain, err := takeNewUser(c, names.kind, address)
		if err != nil {
			return err
		}
		c.Streams[i].URL = plain
	}
	return limits.apply(&c.Streams[i], names)
}

// takeNewUser is takeUser for a URL that may replace user name and password.
func takeNewUser(c *moonfirefs.Camera, kind moonfirefs.StreamKind, address string) (plain string, err error) {
	var fresh moonfirefs.Camera
	if plain, err = takeUser(&fresh, kind, address); err == nil && fresh.Username != "" {
		c.Username, c.Password = fresh.Username, fresh.Password
	}
	return plain, err
}

// editDir moves a stream's new recordings elsewhere, or gives a new stream the
// directory of the first.
func (f *editFlags) editDir(o *opened, c *moonfirefs.Camera, s *moonfirefs.Stream) error {
	if f.dir != "" {
		dir, err := o.findRecordedDir(f.dir)
		s.SampleDir = dir
		return err
	}
	if s.SampleDir == 0 {
		s.SampleDir = c.Streams[0].SampleDir
	}
	return nil
}

// editCredentials asks for a password only if something says that it is another
// one.
func (f *editFlags) editCredentials(cmd *cobra.Command, c *moonfirefs.Camera) error {
	if cmd.Flags().Changed("username") {
		c.Username, c.Password = f.username, ""
		if c.Username == "" {
			return nil
		}
	}
	if !cmd.Flags().Changed("username") && !f.password && f.passwordFile == "" {
		return nil
	}
	c.Password = ""
	return f.addPassword(cmd, c)
}
