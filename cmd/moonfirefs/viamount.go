// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/curate"
	"github.com/moonfirefs/moonfirefs/internal/mountpoint"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/pages"
)

// footageMount is where the footage of a store is mounted, for those who may see the footage
// but not the store, in which passwords are.
type footageMount struct {
	path string
	// report is nil where no recorder serves the mount.
	report *status.Report
}

// mountOf finds the mount of the store in a directory that this user can read. Only a
// recorder's tells which store it is of: if there is none of that store, it is the only one
// that does not tell. ok is false if there is none, or several.
func mountOf(storePath string) (found *footageMount, ok bool) {
	paths, err := mountpoint.Ours()
	if err != nil {
		return nil, false // as if there were none: why the store cannot be read is told
	}
	var silent []*footageMount
	for _, path := range paths {
		if _, err := os.Stat(filepath.Join(path, pages.JSONName)); err != nil {
			continue // not for this user
		}
		m := &footageMount{path: path}
		switch m.readReport(); {
		case m.report == nil || m.report.Store == "":
			silent = append(silent, m)
		case sameFolder(m.report.Store, storePath):
			return m, true
		}
	}
	if len(silent) != 1 {
		return nil, false
	}
	return silent[0], true
}

// readReport reads what the recorder tells of itself.
func (m *footageMount) readReport() {
	data, err := os.ReadFile(filepath.Join(m.path, pages.StatusName))
	r := new(status.Report)
	if err == nil && json.Unmarshal(data, r) == nil && r.Mountpoint == m.path {
		m.report = r
	}
}

// sameFolder tells whether two paths lead to the same folder.
func sameFolder(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// readFootage acts on the store, or on its mount if this user may not read the store.
func (g *global) readFootage(cmd *cobra.Command, act func(*opened) error, see func(*footageMount) error) error {
	o, err := g.open(cmd, store.Reading)
	if mayNotRead(err) {
		if m, ok := mountOf(g.store); ok {
			return see(m)
		}
	}
	if err != nil {
		return err
	}
	defer closing(o.log, o.Store)
	return act(o)
}

// seenStream is what index.json in a stream's folder says of it.
type seenStream struct {
	TimeZoneName string `json:"timeZoneName"`
	Days         map[string]struct {
		StartTime90k     moonfirefs.Time90k     `json:"startTime90k"`
		EndTime90k       moonfirefs.Time90k     `json:"endTime90k"`
		TotalDuration90k moonfirefs.Duration90k `json:"totalDuration90k"`
	} `json:"days"`
	Recordings []struct {
		StartTime90k moonfirefs.Time90k `json:"startTime90k"`
		EndTime90k   moonfirefs.Time90k `json:"endTime90k"`
		Bytes        int64              `json:"bytes"`
	} `json:"recordings"`
}

// stream reads what the folder of a stream tells.
func (m *footageMount) stream(folder string) (*seenStream, error) {
	s := new(seenStream)
	return s, m.readJSON(s, folder, pages.JSONName)
}

// streams lists the streams, of which only the folders are known, and the zone of the store.
func (m *footageMount) streams() (all curate.Streams, zone *time.Location, err error) {
	var root struct {
		TimeZoneName string `json:"timeZoneName"`
		Cameras      []struct {
			Streams map[moonfirefs.StreamKind]struct {
				Folder string `json:"folder"`
			} `json:"streams"`
		} `json:"cameras"`
	}
	if err := m.readJSON(&root, pages.JSONName); err != nil {
		return nil, nil, err
	}
	for i := range root.Cameras {
		for _, kind := range []moonfirefs.StreamKind{moonfirefs.MainStream, moonfirefs.SubStream} {
			if s, ok := root.Cameras[i].Streams[kind]; ok {
				all = append(all, curate.Stream{Folder: s.Folder})
			}
		}
	}
	zone, err = store.LoadZone(root.TimeZoneName)
	return all, zone, err
}

func (m *footageMount) readJSON(value any, names ...string) error {
	data, err := os.ReadFile(filepath.Join(append([]string{m.path}, names...)...))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(names...), err)
	}
	return nil
}

// printLine tells what was done, on a line of its own.
func printLine(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format+"\n", printable.Values(args)...)
	return err
}
