// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/objects"
	"github.com/moonfirefs/moonfirefs/sample"
)

// dirEntry describes a directory for footage: on a disk, or in a bucket.
type dirEntry struct {
	Path string `toml:"path,omitempty"`
	S3   string `toml:"s3,omitempty"`
	// Credentials names a file with the access key. If it is empty, a new directory has that of
	// the environment, and one that is there keeps what it has.
	Credentials string `toml:"credentials,omitempty"`
}

// check refuses what cannot be meant. Its errors show nothing of the entry, in which somebody
// may have written a secret.
func (e *dirEntry) check() error {
	switch {
	case (e.Path == "") == (e.S3 == ""):
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "give either path or s3")
	case e.Credentials != "" && e.S3 == "":
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "credentials is for a bucket: give its URL as s3")
	case e.Credentials != "" && !filepath.IsAbs(e.Credentials):
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "credentials must be the absolute path of a file with the access key")
	}
	return nil
}

// name is what the directory is called where it is referred to.
func (e *dirEntry) name() string { return orDefault(sample.ShownPath(e.S3), e.Path) }

// dirPlan is what apply does about directories.
type dirPlan struct {
	added []index.SampleDir
	// listed are those in the file; nil if it lists none, and all can be used.
	listed map[moonfirefs.SampleDirID]bool
}

// planDirs compares the directories of the file with those of the store. New ones can be
// referred to from then on, by ids below 0.
func (o *opened) planDirs(file *setUpFile) (*dirPlan, error) {
	p := &dirPlan{}
	for i := range file.Dirs {
		if p.listed == nil {
			p.listed = make(map[moonfirefs.SampleDirID]bool)
		}
		if err := o.planDir(p, &file.Dirs[i]); err != nil {
			return nil, fmt.Errorf("directory %d of the file: %w", i+1, err)
		}
	}
	return p, nil
}

func (o *opened) planDir(p *dirPlan, e *dirEntry) error {
	if err := e.check(); err != nil {
		return err
	}
	id, err := o.findDirOf("path", e.name())
	switch {
	case errors.Is(err, moonfirefs.ErrNotFound):
		if id, err = o.planNewDir(p, e); err != nil {
			return err
		}
	case err != nil:
		return err
	case p.listed[id]:
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s is in the file twice", o.dirPath(id))
	default:
		if err := o.requireCredentials(id, e.Credentials); err != nil {
			return err
		}
	}
	p.listed[id] = true
	return nil
}

// planNewDir has a directory added later, by the rules of dir add.
func (o *opened) planNewDir(p *dirPlan, e *dirEntry) (moonfirefs.SampleDirID, error) {
	location, err := (&addDirFlags{e.S3, e.Credentials}).location(o.cmd.Context(), []string{e.Path})
	if err != nil {
		return 0, err
	}
	if e.S3 == "" && !filepath.IsAbs(location) {
		return 0, moonfirefs.Errorf(moonfirefs.ErrInvalid, "path must be absolute, as it is of a new directory")
	}
	if err := o.CheckNewDir(location); err != nil {
		return 0, err
	}
	d := index.SampleDir{ID: moonfirefs.SampleDirID(-1 - len(p.added)), Path: location}
	p.added = append(p.added, d)
	o.planned = append(o.planned, d)
	o.Dirs[d.ID] = sample.New(location, sample.Identity{}, sample.ReadOnly)
	return d.ID, nil
}

// requireCredentials refuses to change where the access key of a directory is, unless path is
// empty.
func (o *opened) requireCredentials(id moonfirefs.SampleDirID, path string) error {
	dirs, err := o.sampleDirs()
	if err != nil || path == "" {
		return err
	}
	i := slices.IndexFunc(dirs, func(d index.SampleDir) bool { return d.ID == id })
	has, err := objects.CredentialsOf(dirs[i].Path)
	if err != nil || has == path {
		return err
	}
	return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the access key of %s is read from %s, which cannot be changed: replace that file",
		o.dirPath(id), orDefault(has, "the environment"))
}

// require refuses a directory that is not in the file, if it lists any.
func (p *dirPlan) require(o *opened, id moonfirefs.SampleDirID, what string) error {
	if p.listed == nil || p.listed[id] {
		return nil
	}
	return moonfirefs.Errorf(moonfirefs.ErrInvalid, "%s %s, which is not among the directories of the file: add it, or name another one", what, o.dirPath(id))
}

// tell prints what is added, and what stays although it is not in the file.
func (p *dirPlan) tell(o *opened) error {
	for _, d := range p.added {
		text := "directory added"
		if sample.IsRemote(d.Path) {
			credentials, err := objects.CredentialsOf(d.Path)
			if err != nil {
				return err
			}
			text += ", with the access key in " + orDefault(printable.Text(credentials), "the environment")
		}
		if err := o.printf("+ %s: %s", printable.Text(sample.ShownPath(d.Path)), text); err != nil {
			return err
		}
	}
	if p.listed == nil {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(o.Dirs)) {
		if p.listed[id] {
			continue
		}
		if err := o.printf("%s is not in the file. It stays in the store, and so does the footage in it (see: moonfirefs dir remove --help).", printable.Text(o.dirPath(id))); err != nil {
			return err
		}
	}
	return nil
}

// carryOut adds the directories, and has the cameras refer to them by their ids.
func (p *dirPlan) carryOut(o *opened, cameras []cameraChange) error {
	ids := make(map[moonfirefs.SampleDirID]moonfirefs.SampleDirID)
	for _, planned := range p.added {
		delete(o.Dirs, planned.ID)
		added, err := o.AddDir(o.cmd.Context(), planned.Path)
		if err != nil {
			return err
		}
		ids[planned.ID] = added.ID
		dir := sample.New(added.Path, sample.Identity{Store: o.DB.Meta().Store, Dir: added.UUID}, sample.ReadOnly)
		o.Dirs[added.ID] = dir
		if !dir.Remote() {
			if err := dir.Attach(); err != nil { // its room is asked for
				return err
			}
		}
	}
	resolve := func(id *moonfirefs.SampleDirID) { *id = orDefault(ids[*id], *id) }
	for i := range cameras {
		c := &cameras[i]
		if c.after == nil {
			continue
		}
		for j := range c.after.Streams {
			resolve(&c.after.Streams[j].SampleDir)
		}
		for j := range c.tiers {
			if c.tiers[j].After != nil {
				resolve(&c.tiers[j].After.SampleDir)
			}
		}
	}
	return nil
}

// dirEntries describes the directories as they are.
func (o *opened) dirEntries() (entries []dirEntry, err error) {
	dirs, err := o.DB.SampleDirs(o.cmd.Context())
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		if !sample.IsRemote(d.Path) {
			entries = append(entries, dirEntry{Path: o.dirPath(d.ID)})
			continue
		}
		credentials, err := objects.CredentialsOf(d.Path)
		if err != nil {
			return nil, err
		}
		entries = append(entries, dirEntry{S3: o.dirPath(d.ID), Credentials: credentials})
	}
	return entries, nil
}
