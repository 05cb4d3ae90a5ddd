// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/moonfirefs/moonfirefs"
)

// KeptFolder is the name of the folder of kept footage.
const KeptFolder = "saved"

// kept is the footage of a stream that somebody keeps. It is immutable.
type kept struct{ intervals []keptInterval }

// keptInterval is footage with a name of its own: a clip that retention spares.
type keptInterval struct {
	name string
	moonfirefs.Interval
}

// byStream lists what is kept of each stream, but for what no file can be called.
func byStream(all []moonfirefs.Kept) map[moonfirefs.StreamID][]keptInterval {
	of := make(map[moonfirefs.StreamID][]keptInterval)
	for _, k := range all {
		if moonfirefs.StoredNameProblem(k.Name) != "" {
			continue
		}
		of[k.Stream] = append(of[k.Stream], keptInterval{k.Name, moonfirefs.Interval{Start90k: k.Start90k, End90k: k.End90k}})
	}
	return of
}

// fileName names a part of kept footage: "burglary.mp4", then "burglary-2.mp4". No two
// kept intervals can have a file of the same name: index.DB.Keep sees to it.
func (k *keptInterval) fileName(part int32) string {
	if part > 1 {
		return fmt.Sprintf("%s-%d%s", k.name, part, extension)
	}
	return k.name + extension
}

// KeptFile is what the name of a file of kept footage stands for.
type KeptFile struct {
	State    *StreamState
	Interval moonfirefs.Interval
	// Part counts from 1.
	Part int
}

// Growing tells whether the file may get more recordings. Retention takes none of it.
func (k *KeptFile) Growing() bool { return k.State.mayGetMore(k.Interval) }

var laterPart = regexp.MustCompile(`^(.+)-([1-9]\d{0,2})$`)

// Kept finds what a file name stands for. There may be no footage for it.
func (s *Snapshot) Kept(file string) (found KeptFile, ok bool) {
	name, ok := strings.CutSuffix(file, extension)
	if !ok {
		return KeptFile{}, false
	}
	if found, ok = s.keptInterval(name); ok {
		return found, true
	}
	if m := laterPart.FindStringSubmatch(name); m != nil {
		found, ok = s.keptInterval(m[1])
		found.Part, _ = strconv.Atoi(m[2]) // three digits
		return found, ok && found.Part > 1
	}
	return KeptFile{}, false
}

// keptInterval finds the first part of what is kept under a name.
func (s *Snapshot) keptInterval(name string) (KeptFile, bool) {
	found, ok := s.byName()[name]
	return found, ok
}

func (s *Snapshot) keptByName() map[string]KeptFile {
	all := make(map[string]KeptFile)
	for _, state := range s.Streams {
		for i := range state.kept.intervals {
			k := &state.kept.intervals[i]
			all[k.name] = KeptFile{state, k.Interval, 1}
		}
	}
	return all
}

// KeptVersion describes a file of kept footage as it is now; ok is false if there is no
// footage for it. It is the clip of that interval, inode number included, but for what is
// being recorded: its folder is listed and copied, and index pages tell of it, so it
// grows with commits alone.
func (c *Catalog) KeptVersion(ctx context.Context, k KeptFile) (v Version, ok bool, err error) {
	v, ok, err = c.clip(ctx, k.State, k.Interval, k.Part, nil)
	v.Growing = k.Growing()
	return v, ok, err
}

// KeptVersions describes the files of a stream's kept footage, with a query for each
// interval. Footage whose interval has none yet, or lost all of it before it was kept, has
// no file.
func (c *Catalog) KeptVersions(ctx context.Context, s *StreamState) (versions []Version, err error) {
	for i := range s.kept.intervals {
		k := &s.kept.intervals[i]
		clips, _, err := c.clips(ctx, s, k.Interval)
		if err != nil {
			return nil, err
		}
		for _, v := range clips {
			v.Name, v.Growing = k.fileName(v.Part), s.mayGetMore(k.Interval)
			versions = append(versions, v)
		}
	}
	return versions, nil
}

// KeptBytes sums up the recordings of a stream that retention spares.
func (c *Catalog) KeptBytes(ctx context.Context, s *StreamState) (int64, error) {
	if len(s.kept.intervals) == 0 {
		return 0, nil
	}
	return c.index.KeptBytes(ctx, s.ID)
}

// KeptModified90k is when the newest kept footage ends; if there is none, when the store
// was made.
func (c *Catalog) KeptModified90k(now *Snapshot) moonfirefs.Time90k {
	modified := moonfirefs.MinTime90k
	for _, s := range now.Streams {
		for _, k := range s.kept.intervals {
			modified = max(modified, min(k.End90k, s.End90k))
		}
	}
	if modified == moonfirefs.MinTime90k {
		return c.created90k
	}
	return modified
}

// KeptNames are those under which footage is kept, without extensions, in no order.
func (s *Snapshot) KeptNames() (names []string) {
	for name := range s.byName() {
		names = append(names, name)
	}
	return names
}
