// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	cameralib "github.com/moonfirefs/moonfirefs/camera"
)

// setUpFile is what the file of apply has: directories, and cameras by their names.
type setUpFile struct {
	Dirs    []dirEntry             `toml:"dirs,omitempty"`
	Cameras map[string]cameraEntry `toml:"cameras"`
}

// cameraEntry describes a camera, all of it: what is missing is the default. The keys are the
// flags of camera edit.
type cameraEntry struct {
	URL             string `toml:"url"`
	Retain          string `toml:"retain"`
	RetainFor       string `toml:"retain-for,omitempty"`
	RetainEvents    string `toml:"retain-events,omitempty"`
	Sub             string `toml:"sub,omitempty"`
	SubRetain       string `toml:"sub-retain,omitempty"`
	SubRetainFor    string `toml:"sub-retain-for,omitempty"`
	SubRetainEvents string `toml:"sub-retain-events,omitempty"`
	Description     string `toml:"description,omitempty"`
	Transport       string `toml:"transport,omitempty"`
	Username        string `toml:"username,omitempty"`
	// PasswordFile names a file whose first line is the password, PasswordEnv a variable. If
	// both are empty, the password stays as it is.
	PasswordFile string `toml:"password-file,omitempty"`
	PasswordEnv  string `toml:"password-env,omitempty"`
	Dir          string `toml:"dir,omitempty"`
	Audio        *bool  `toml:"audio,omitempty"`
	Record       *bool  `toml:"record,omitempty"`
	// Tier and SubTier are nil if footage does not move.
	Tier    *cameraTier `toml:"tier,omitempty"`
	SubTier *cameraTier `toml:"sub-tier,omitempty"`
}

// maxFileBytes bounds the file of apply, lest something else is read into memory.
const maxFileBytes = 4 << 20

// readSetUpFile reads a file of cameras.
func readSetUpFile(ctx context.Context, path string) (*setUpFile, error) {
	text, err := readText(ctx, path, maxFileBytes)
	switch {
	case errors.As(err, new(*tooLongError)):
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "read cameras from %s: it has more than %d bytes", path, maxFileBytes)
	case err != nil:
		return nil, fmt.Errorf("read cameras: %w", err)
	}
	var file setUpFile
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, decodingError(path, err)
	}
	return &file, file.requireDistinctNames(path)
}

// decodingError says where a file is wrong.
func decodingError(path string, err error) error {
	if unknown := new(toml.StrictMissingError); errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		row, _ := unknown.Errors[0].Position()
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s, line %d: unknown key %s", path, row, strings.Join(unknown.Errors[0].Key(), "."))
	}
	bad := new(toml.DecodeError)
	if !errors.As(err, &bad) {
		return fmt.Errorf("read cameras from %s: %w", path, err)
	}
	row, column := bad.Position()
	if strings.Contains(bad.Error(), "cannot decode") || strings.Contains(bad.Error(), "cannot store") {
		// The library's words are about types of Go.
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s, line %d, column %d: the value is of another type than it must be: "+
			"text is in quotes, audio and record are true or false, a camera is a table: [cameras.NAME], as its tier is: [cameras.NAME.tier], and a directory begins with [[dirs]]", path, row, column)
	}
	return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s, line %d, column %d: %w", path, row, column, bad)
}

// requireDistinctNames refuses names that differ in nothing but case.
func (f *setUpFile) requireDistinctNames(path string) error {
	seen := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(f.Cameras)) {
		folded := strings.ToLower(name)
		if other, ok := seen[folded]; ok {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s: cameras %s and %s: their names differ in nothing but case", path, other, name)
		}
		seen[folded] = name
	}
	return nil
}

// masked stands in an address for what --print has not printed of it.
const masked = "***"

// restoreAddresses puts the addresses that a camera has in the place of those that --print has
// printed for them.
func (e *cameraEntry) restoreAddresses(c *moonfirefs.Camera) {
	for i := range c.Streams {
		s := &c.Streams[i]
		address := &e.URL
		if s.Kind == moonfirefs.SubStream {
			address = &e.Sub
		}
		if *address == cameralib.Redact(s.URL) {
			*address = s.URL
		}
	}
}

// apply makes c the camera that the entry describes, by the rules of camera edit.
func (e *cameraEntry) apply(o *opened, c *moonfirefs.Camera) error {
	if e.URL == "" || e.Retain == "" {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "url and retain are needed")
	}
	for _, address := range []string{e.URL, e.Sub} {
		of := func(s moonfirefs.Stream) bool { return s.URL == address }
		if strings.Contains(address, masked) && !slices.ContainsFunc(c.Streams, of) {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "*** in its URL stands for what is not shown of the address that the camera has, and that is another one: write all of the new address")
		}
		if u, err := url.Parse(address); err == nil && u.User != nil {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "its URL holds a user name or password: use username, and password-file or password-env")
		}
	}
	f := &editFlags{}
	cmd := &cobra.Command{Use: "apply"}
	f.add(cmd)
	cmd.SetContext(o.cmd.Context())
	for name, value := range e.flags() {
		if err := cmd.Flags().Set(name, value); err != nil {
			return err
		}
	}
	var err error
	if f.limits.tierBytes, err = e.Tier.quotaBytes(); err != nil {
		return err
	}
	if f.subLimits.tierBytes, err = e.SubTier.quotaBytes(); err != nil {
		return err
	}
	inner := *o
	inner.cmd = cmd
	if err := f.apply(&inner, c); err != nil {
		return err
	}
	return e.applyCredentials(cmd, c)
}

// flags are those that are given for what the entry has.
func (e *cameraEntry) flags() map[string]string {
	yes := true
	flags := map[string]string{
		"url": e.URL, "retain": e.Retain, "retain-for": orDefault(e.RetainFor, "0"), "retain-events": orDefault(e.RetainEvents, "0"), "description": e.Description,
		"transport": orDefault(e.Transport, string(moonfirefs.TCP)),
		"audio":     strconv.FormatBool(*orDefault(e.Audio, &yes)), "record": strconv.FormatBool(*orDefault(e.Record, &yes)),
	}
	for name, value := range map[string]string{"sub": e.Sub, "sub-retain": e.SubRetain, "sub-retain-for": e.SubRetainFor, "sub-retain-events": e.SubRetainEvents, "dir": e.Dir} {
		if value != "" {
			flags[name] = value
		}
	}
	if e.Sub != "" {
		flags["sub-retain-for"] = orDefault(e.SubRetainFor, "0")
		flags["sub-retain-events"] = orDefault(e.SubRetainEvents, "0")
	}
	return flags
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func (e *cameraEntry) applyCredentials(cmd *cobra.Command, c *moonfirefs.Camera) (err error) {
	if c.Username != e.Username {
		c.Username, c.Password = e.Username, ""
	}
	secret := c.Password
	switch {
	case e.PasswordFile != "" && e.PasswordEnv != "":
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "password-file and password-env cannot be used together")
	case e.PasswordFile != "":
		secret, err = (&cameraFlags{passwordFile: e.PasswordFile}).readPassword(cmd)
	case e.PasswordEnv != "":
		var ok bool
		if secret, ok = os.LookupEnv(e.PasswordEnv); !ok {
			err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "the variable %s of its password-env is not set", e.PasswordEnv)
		}
	}
	if err == nil && secret == "" && (e.PasswordFile != "" || e.PasswordEnv != "") {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "the password in %s is empty", orDefault(e.PasswordFile, e.PasswordEnv))
	}
	if err == nil && secret != "" && c.Username == "" {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "there is a password but no username")
	}
	c.Password = secret
	return err
}

// entryOf describes a camera as it is with its tiers, but for its password. address says how addresses are
// printed.
func entryOf(c *moonfirefs.Camera, dirPath func(moonfirefs.SampleDirID) string, tiers map[moonfirefs.StreamID]*cameraTier, address func(string) string) cameraEntry {
	e := cameraEntry{Description: c.Description, Username: c.Username}
	no := false
	if c.NoAudio {
		e.Audio = &no
	}
	if c.Retired {
		e.Record = &no
	}
	for i := range c.Streams {
		s := &c.Streams[i]
		retain, age, events := bytesText(s.RetainBytes), "", ""
		if s.RetainMarkedBytes > 0 {
			events = bytesText(s.RetainMarkedBytes)
		}
		if s.RetainFor90k > 0 {
			age = secondsText(s.RetainFor90k.Duration())
		}
		if s.Kind == moonfirefs.SubStream {
			e.Sub, e.SubRetain, e.SubRetainFor, e.SubRetainEvents, e.SubTier = address(s.URL), retain, age, events, tiers[s.ID]
			continue
		}
		e.URL, e.Retain, e.RetainFor, e.RetainEvents, e.Tier, e.Dir = address(s.URL), retain, age, events, tiers[s.ID], dirPath(s.SampleDir)
		if s.Transport != moonfirefs.TCP {
			e.Transport = string(s.Transport)
		}
	}
	return e
}
