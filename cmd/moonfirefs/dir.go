// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/sample"
)

func newDirCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dir",
		Short: "Manage footage directories",
		Args:  onlyCommands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDirAddCommand(g), newDirListCommand(g), newDirRemoveCommand(g))
	return cmd
}

func newDirAddCommand(g *global) *cobra.Command {
	f := &addDirFlags{}
	cmd := &cobra.Command{
		Use:   "add (DIR | --s3 URL)",
		Short: "Add a footage directory, on another disk or in a bucket",
		Long: `Adds DIR to the store as a directory for footage. DIR must be empty or not exist yet.
"camera add --dir DIR" and "camera edit --dir DIR" make a camera record to it.
A running recorder uses it within a second; a mount of "moonfirefs mount" shows what is
in it once it is mounted again.

Use a directory below the mount point of a disk, not the mount point itself: then DIR
is missing whenever the disk is.

With --s3, the directory is a prefix in a bucket of an object store that speaks S3:
https://HOST/BUCKET/PREFIX. Nothing else may be below that prefix. Footage is not recorded
to it, but moves there ("tier add").

The access key is read from the file that --credentials names, in the format of
~/.aws/credentials, or from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment
of whatever reads or moves footage. The store remembers the path, not the key.`,
		Example: `  moonfirefs dir add /media/disk2/samples
  moonfirefs dir add --s3 https://s3.example.com/footage/home --credentials key`,
		Args: asUsage(f.args),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := g.logger(cmd)
			if err != nil {
				return err
			}
			dir, err := f.addTo(cmd.Context(), g.store, args, log)
			if err != nil {
				return err
			}
			return printLine(cmd, "Added sample directory %s.", printable.Text(sample.ShownPath(dir.Path)))
		},
	}
	cmd.Flags().StringVar(&f.url, "s3", "", "directory in a bucket, as https://HOST/BUCKET/PREFIX")
	cmd.Flags().StringVar(&f.credentials, "credentials", "", "file with the access key, in the format of ~/.aws/credentials")
	return cmd
}

// addDirFlags are the flags of dir add.
type addDirFlags struct{ url, credentials string }

func (f *addDirFlags) args(cmd *cobra.Command, args []string) error {
	switch {
	case f.url == "" && f.credentials != "":
		return errors.New("--credentials is for a bucket: give its URL with --s3")
	case f.url == "":
		return needs("DIR")(cmd, args)
	case len(args) > 0:
		return errors.New("give either DIR or --s3")
	}
	return nil
}

func (f *addDirFlags) addTo(ctx context.Context, path string, args []string, log *slog.Logger) (index.SampleDir, error) {
	location, err := f.location(ctx, args)
	if err != nil {
		return index.SampleDir{}, err
	}
	return store.AddDir(ctx, path, location, log)
}

// location is what a store remembers of the directory. A bucket must answer.
func (f *addDirFlags) location(ctx context.Context, args []string) (string, error) {
	if f.url != "" {
		return bucketURL(ctx, f.url, f.credentials)
	}
	if err := requireDir(args[0]); err != nil {
		return "", err
	}
	if isAddress(args[0]) {
		return "", &usageError{errors.New("DIR is a directory of this machine; for a bucket, give its URL with --s3")}
	}
	return args[0], nil
}

// requireDir refuses an empty argument, which would be the current directory.
func requireDir(dir string) error {
	if dir == "" {
		return &usageError{errors.New("DIR is empty")}
	}
	return nil
}

func newDirRemoveCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "remove DIR",
		Short: "Remove a footage directory that is empty",
		Long: `Takes DIR out of the store, and removes it if nothing else is in it. No footage may be in
it, and no camera may record to it. A directory whose disk is gone can be removed as well.
The recorder must be stopped meanwhile.`,
		Example: `  moonfirefs dir remove /media/disk2/samples`,
		Args:    asUsage(needs("DIR")),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := g.logger(cmd)
			if err == nil {
				err = requireDir(args[0])
			}
			if err != nil {
				return err
			}
			find := func(s *store.Store) (moonfirefs.SampleDirID, error) {
				return (&opened{Store: s, path: g.store, cmd: cmd, log: log}).findDir(args[0])
			}
			removed, err := store.RemoveDir(cmd.Context(), g.store, find, log)
			if errors.Is(err, moonfirefs.ErrStoreLocked) {
				return fmt.Errorf("%w: stop the recorder first", err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Removed sample directory %s.\n", printable.Text(removed))
			return err
		},
	}
}

func newDirListCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List footage directories",
		Long: `Lists the footage directories: how many streams record to each, their quotas
together, and how much of its disk is free.`,
		Example: `  moonfirefs dir list
  moonfirefs dir list --json`,
		Args: asUsage(noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.withStore(cmd, store.Reading, func(o *opened) error { return listDirs(o, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listedDir is what is told of a directory. Its fields are named as in status.json.
type listedDir struct {
	Path string `json:"path"`
	// Remote says that it is in a bucket, which has no sizes.
	Remote bool `json:"remote,omitempty"`
	// Missing says that its disk is not there, or its object store does not answer. The
	// sizes are 0 then.
	Missing        bool  `json:"missing"`
	Streams        int   `json:"streams"`
	QuotaBytes     int64 `json:"quotaBytes"`
	SizeBytes      int64 `json:"sizeBytes"`
	AvailableBytes int64 `json:"availableBytes"`
}

func listDirs(o *opened, asJSON bool) error {
	all, err := o.listedDirs()
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(o.cmd.OutOrStdout(), all, storeIndent)
	}
	t := newTable(o.cmd.OutOrStdout())
	t.line("DIRECTORY\tSTREAMS\tQUOTAS\tFREE")
	for _, d := range all {
		free := humanize.Bytes(uint64(d.AvailableBytes))
		switch {
		case d.Missing:
			free = "not available"
		case d.Remote:
			free = "unlimited"
		}
		t.row(d.Path, d.Streams, humanize.Bytes(uint64(d.QuotaBytes)), free)
	}
	return t.flush()
}

func (o *opened) listedDirs() ([]listedDir, error) {
	dirs, err := o.DB.SampleDirs(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	quotas, err := o.quotasByDir()
	if err != nil {
		return nil, err
	}
	all := []listedDir{}
	for _, d := range dirs {
		line := listedDir{Path: sample.ShownPath(d.Path), Remote: sample.IsRemote(d.Path), Streams: quotas[d.ID].streams, QuotaBytes: quotas[d.ID].retainBytes}
		space, err := o.Dirs[d.ID].Space()
		switch {
		case line.Remote:
			line.Missing = err != nil
		case err == nil:
			line.SizeBytes, line.AvailableBytes = int64(space.Blocks)*space.BlockSizeBytes, space.AvailableBytes()
		case errors.Is(err, sample.ErrUnavailable):
			line.Missing = true
		default:
			return nil, err
		}
		all = append(all, line)
	}
	return all, nil
}

// quotas are those of the streams that record to a directory, or whose footage moves there.
type quotas struct {
	streams     int
	retainBytes int64
}

func (o *opened) quotasByDir() (map[moonfirefs.SampleDirID]quotas, error) {
	cameras, err := o.DB.Cameras(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	all := make(map[moonfirefs.SampleDirID]quotas)
	for i := range cameras {
		for _, stream := range cameras[i].Streams {
			q := all[stream.SampleDir]
			q.streams++
			q.retainBytes += stream.RetainBytes
			all[stream.SampleDir] = q
		}
	}
	tiers, err := o.DB.Tiers(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	for _, t := range tiers {
		q := all[t.SampleDir]
		q.streams++
		q.retainBytes += t.RetainBytes
		all[t.SampleDir] = q
	}
	return all, nil
}

// findRecordedDir is findDir for a directory that a camera is to record to.
func (o *opened) findRecordedDir(path string) (moonfirefs.SampleDirID, error) {
	id, err := o.findDir(path)
	if err == nil && o.Dirs[id].Remote() {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "--dir %s: nothing can be recorded to a bucket; have the camera's footage move there (see: moonfirefs tier add --help)", path)
	}
	return id, err
}

// findDir finds the directory that a person has named with --dir, by its path as it was
// given, as it is stored, or in full. With no path, it is the first one.
func (o *opened) findDir(path string) (moonfirefs.SampleDirID, error) {
	return o.findDirOf("--dir", path)
}

// findDirOf is findDir for a flag of another name.
func (o *opened) findDirOf(flag, path string) (moonfirefs.SampleDirID, error) {
	dirs, err := o.sampleDirs()
	if err != nil {
		return 0, err
	}
	if path == "" {
		return dirs[0].ID, nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", flag, path, err)
	}
	for _, d := range dirs {
		if sample.IsRemote(d.Path) {
			if sample.ShownPath(d.Path) == strings.TrimSuffix(path, "/") {
				return d.ID, nil
			}
			continue
		}
		if d.Path == filepath.Clean(path) || d.Path == absolute || o.Dirs[d.ID].Path() == absolute {
			return d.ID, nil
		}
	}
	return 0, moonfirefs.Errorf(moonfirefs.ErrNotFound, "%s %s is not a directory of the store (see: moonfirefs dir list)", flag, path)
}

// sampleDirs are the directories of the store, and behind them those that are to be added.
func (o *opened) sampleDirs() ([]index.SampleDir, error) {
	dirs, err := o.DB.SampleDirs(o.cmd.Context())
	return append(dirs, o.planned...), err
}
