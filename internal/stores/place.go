// SPDX-License-Identifier: GPL-3.0-or-later

package stores

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// Place is where a store is, or may be.
type Place struct {
	// Name tells its cameras from those of others.
	Name string
	// Path is the store's directory.
	Path string
}

// ParsePlaces reads NAME=PATH or PATH, which has the name of its last folder. The error wraps
// moonfirefs.ErrInvalid: a name that no store can have, or that two have.
func ParsePlaces(texts []string) ([]Place, error) {
	var places []Place
	named := make(map[string]string)
	for _, text := range texts {
		p := Place{Path: text}
		if name, path, ok := strings.Cut(text, "="); ok && name != "" && path != "" && !strings.Contains(name, "/") {
			p = Place{name, path}
		} else {
			path, err := filepath.Abs(text)
			if err != nil {
				return nil, fmt.Errorf("store %s: %w", text, err)
			}
			p.Name = filepath.Base(path)
		}
		if err := fs.CheckStoreName(p.Name); err != nil {
			return nil, fmt.Errorf("store %s: give it a name, as in --store house=%s: %w", p.Path, p.Path, err)
		}
		if other := named[strings.ToLower(p.Name)]; other != "" {
			return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "stores %s and %s have the same name: give one a name, as in --store house=%s", other, p.Path, p.Path)
		}
		named[strings.ToLower(p.Name)] = p.Path
		places = append(places, p)
	}
	return places, nil
}

// PlacesIn finds the stores in a folder: each folder in it that has an index, by name.
// unusable are those whose name no store can have: a line about each.
func PlacesIn(folder string) (places []Place, unusable []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("look for stores: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if info, err := os.Stat(path); e.Name()[0] == '.' || err != nil || !info.IsDir() || !store.Exists(path) {
			continue
		}
		if err := fs.CheckStoreName(e.Name()); err != nil {
			unusable = append(unusable, err.Error())
			continue
		}
		places = append(places, Place{e.Name(), path})
	}
	return places, unusable, nil
}
