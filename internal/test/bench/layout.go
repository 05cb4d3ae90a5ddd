// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/sample"
)

const (
	// neighbours is how many cameras are recorded beside the one whose files are laid out.
	neighbours = 3
	// layoutRounds is how many checkpoints a recording of a minute sees.
	layoutRounds = 8
)

// layOut writes the files of a folder anew, in the order of their names, and puts them where a
// recorder would have: each grows beside those of other cameras, by what comes between two
// checkpoints, of which each is one barrier. scratch is a new folder on the same disk.
func layOut(folder, scratch string, preallocates bool) (err error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*-*"))
	if err != nil {
		return err
	}
	if err := sample.Create(scratch, sample.Identity{}); err != nil {
		return err
	}
	dir := sample.New(scratch, sample.Identity{}, sample.Recording)
	if err := dir.Attach(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close(), os.RemoveAll(scratch)) }()
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		written, err := layOutOne(dir, data, preallocates)
		if err != nil {
			return err
		}
		if err := os.Rename(written, path); err != nil {
			return err
		}
	}
	return nil
}

// layOutOne writes a file beside its neighbours, and returns its path.
func layOutOne(dir *sample.Dir, data []byte, preallocates bool) (path string, err error) {
	files := make([]*sample.NewFile, 1+neighbours)
	for i := range files {
		f, err := dir.Create(uuid.New())
		if err != nil {
			return "", err
		}
		defer f.Close()
		if preallocates {
			f.Preallocate(int64(len(data)))
		}
		files[i] = f
	}
	for round := range layoutRounds {
		for _, f := range files {
			if _, err := f.Write(data[round*len(data)/layoutRounds : (round+1)*len(data)/layoutRounds]); err != nil {
				return "", err
			}
		}
		for _, f := range files {
			if round == layoutRounds-1 {
				f.Seal()
			}
			if err := f.AwaitWriting(); err != nil {
				return "", err
			}
		}
		if err := files[0].Barrier(); err != nil {
			return "", err
		}
	}
	return files[0].Name(), nil
}
