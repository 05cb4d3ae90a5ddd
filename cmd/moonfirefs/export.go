// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/proof/notary"
	"github.com/moonfirefs/moonfirefs/sample"
)

// exportFlags are the flags of export.
type exportFlags struct {
	renderFlags
	progress progressFlag
	output   string
	part     int
	force    bool
}

func newExportCommand(g *global) *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export CAMERA FROM TO -o FILE",
		Short: "Export footage to a file",
		Long: `Writes the footage of an interval to FILE, or to standard output (-o -). The bytes
are identical to those of the same clip in the mount; no mount is needed. A recorder
may be running.

FILE appears once it is complete and safely on disk. An interrupted export leaves
nothing behind. Its mode is that of other files that you make; if root makes it, it
belongs to the owner of its folder. If the camera's resolution changes within the interval, the footage
takes several files: FILE, then one with -2 before its extension.

Whoever may see the footage but not the store gets the clip from the mount, by whole seconds.

CAMERA is the name of the camera's folder (NAME-sub for the sub stream).

` + civil.Forms,
		Example: `  moonfirefs export driveway "2026-11-22 13:05" 13:20 -o ~/burglary.mp4
  moonfirefs export driveway -10m now -o - | ffplay -`,
		Args: asUsage(needs("CAMERA FROM TO")),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.output == "" {
				return &usageError{errors.New("-o is missing: the file to write, or - for standard output")}
			}
			return g.readFootage(cmd, func(o *opened) error { return f.fromStore(o, args) },
				func(m *footageMount) error { return f.fromMount(cmd, m, args) })
		},
	}
	f.renderFlags.add(cmd)
	f.progress.add(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "file to write; - is standard output (required)")
	cmd.Flags().IntVar(&f.part, "part", 0, "write only this part, if the footage takes several files")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace FILE if it exists")
	return cmd
}

// piece is a part of the footage that is asked for, as a file has it.
type piece interface {
	io.Closer
	Size() int64
	ReadAt(ctx context.Context, p []byte, off int64) error
}

// exported is a piece, and when its last footage ends.
type exported struct {
	piece
	end time.Time
}

func closeAll(parts []exported) {
	for _, p := range parts {
		_ = p.Close() // opened for reading: nothing can be lost
	}
}

func (f *exportFlags) fromStore(o *opened, args []string) error {
	stream, i, err := o.interval(args)
	if err != nil {
		return err
	}
	render, err := f.options()
	if err != nil {
		return err
	}
	catalog, err := newCatalog(o.Store, render, nil)
	if err != nil {
		return err
	}
	parts, err := f.open(o, stream, i, catalog)
	if err != nil {
		return err
	}
	defer closeAll(parts)
	return f.writeAll(o.cmd, parts, proving{
		store: o.path, proves: notary.FolderOf(o.path).Exists(),
		prove: func(number int) ([]byte, error) { return f.proofText(o, catalog, stream, i, number) },
	})
}

// writeAll writes all parts, and their proofs, to where they belong.
func (f *exportFlags) writeAll(cmd *cobra.Command, parts []exported, from proving) error {
	if f.output == "-" {
		return f.writeOut(cmd, parts)
	}
	if err := f.requirePlaces(from, len(parts)); err != nil {
		return err
	}
	for n, part := range parts {
		number := max(f.part, 1) + n
		path := f.path(number)
		if err := f.writeFile(cmd, path, part); err != nil {
			return fmt.Errorf("export to %s: %w", path, err)
		}
		if err := printLine(cmd, "Wrote %s, %s.", path, humanize.Bytes(uint64(part.Size()))); err != nil {
			return err
		}
		if err := f.writeProof(cmd, from, number, path); err != nil {
			return fmt.Errorf("write the proof of %s: %w", path, err)
		}
	}
	return nil
}

// writeOut writes the only part to the standard output.
func (f *exportFlags) writeOut(cmd *cobra.Command, parts []exported) error {
	if len(parts) > 1 {
		return &usageError{fmt.Errorf("the footage takes %d files: choose one with --part", len(parts))}
	}
	if isTerminal(cmd.OutOrStdout()) {
		return &usageError{errors.New("standard output is a terminal")}
	}
	return f.copy(cmd, cmd.OutOrStdout(), parts[0])
}

// open opens all parts that are asked for, before the first one is written, which can
// take long: if retention took all of one meanwhile, the others would be numbered anew.
func (f *exportFlags) open(o *opened, stream *curate.Stream, i moonfirefs.Interval, catalog *library.Catalog) (parts []exported, err error) {
	for part := max(f.part, 1); ; part++ {
		clip, err := catalog.OpenClip(o.cmd.Context(), stream.Folder, i, part)
		if errors.Is(err, moonfirefs.ErrNotFound) {
			err = noFootage(stream.Folder, o.times(i), part)
		}
		if err != nil {
			closeAll(parts)
			return nil, err
		}
		if parts = append(parts, exported{clip, clip.End90k.Time()}); f.part > 0 || part >= clip.Parts {
			return parts, nil
		}
	}
}

// noFootage says of what there is none, instead of what was looked for in vain.
func noFootage(folder, times string, part int) error {
	if part > 1 {
		return moonfirefs.Errorf(moonfirefs.ErrNotFound, "the footage of %s, %s, has no part %d", folder, times, part)
	}
	return moonfirefs.Errorf(moonfirefs.ErrNotFound, "no footage of %s, %s", folder, times)
}

// requirePlaces makes sure that all parts can be written, before the first one is.
func (f *exportFlags) requirePlaces(from proving, parts int) error {
	for n := range parts {
		path := f.path(max(f.part, 1) + n)
		err := requireOutside(from.store, path)
		if err == nil {
			err = f.requireFree(path)
		}
		if err == nil && from.proves {
			err = f.requireProofFree(path)
		}
		if err != nil {
			return fmt.Errorf("export to %s: %w", path, err)
		}
	}
	return nil
}

// path is where a part goes. One that was asked for by number has FILE itself.
func (f *exportFlags) path(part int) string {
	if part == 1 || f.part > 0 {
		return f.output
	}
	extension := filepath.Ext(f.output)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(f.output, extension), part, extension)
}

// writeFile makes a file that is there whole and durable, or not at all.
func (f *exportFlags) writeFile(cmd *cobra.Command, path string, part exported) error {
	if err := f.requireFree(path); err != nil {
		return err
	}
	mode := durable.Concurrent | durable.Shared
	if f.force {
		mode |= durable.Replace
	}
	err := durable.Write(path, mode, func(file *os.File) error {
		if err := f.copy(cmd, file, part); err != nil {
			return err
		}
		return os.Chtimes(file.Name(), part.end, part.end)
	})
	if errors.Is(err, iofs.ErrExist) { // it has come to exist meanwhile
		return errors.Join(f.requireFree(path), err)
	}
	return err
}

// requireOutside refuses a file among a store's own, one of which it might replace.
func requireOutside(store, path string) error {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return err
	}
	if sameFolder(filepath.Dir(path), store) {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s is for the store's own files", store)
	}
	return requireNoSampleDir(path)
}

// requireNoSampleDir refuses a file in a sample directory.
func requireNoSampleDir(path string) error {
	dir, found, err := sample.Enclosing(filepath.Dir(path))
	if found {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s is for the store's own files", dir)
	}
	return err
}

func (f *exportFlags) requireFree(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return nil
	case err == nil && f.force && !info.Mode().IsRegular():
		// Of /dev/null, say, nothing would be left but our file.
		return moonfirefs.Errorf(moonfirefs.ErrExists, "only a regular file can be replaced (-o - writes to standard output)")
	case err == nil && f.force:
		return nil
	case err == nil:
		return moonfirefs.Errorf(moonfirefs.ErrExists, "the file exists (--force replaces it)")
	}
	return err
}

// copyBytes is how much is read at a time.
const copyBytes = 4 << 20

// copy writes the whole clip, until the command is interrupted.
func (f *exportFlags) copy(cmd *cobra.Command, w io.Writer, clip piece) error {
	show := func(int64) {}
	if f.progress.wanted(cmd) {
		bar := newProgress(cmd.ErrOrStderr(), "exporting", "")
		defer bar.end()
		show = func(done int64) { bar.show(done, clip.Size()) }
	}
	buf := make([]byte, copyBytes)
	for off := int64(0); off < clip.Size(); off += int64(len(buf)) {
		if err := context.Cause(cmd.Context()); err != nil {
			return err
		}
		buf = buf[:min(copyBytes, clip.Size()-off)]
		if err := clip.ReadAt(cmd.Context(), buf, off); err != nil {
			return err
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		show(off + int64(len(buf)))
	}
	return nil
}
