// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// maxClip90k is how long a clip of several events is at most.
const maxClip90k = moonfirefs.Hour90k

// clipOf is what the clip of an event has, if no other one is joined to it.
func clipOf(e *Event, margin90k moonfirefs.Duration90k) moonfirefs.Interval {
	return moonfirefs.Interval{Start90k: e.Start90k.Add(-margin90k), End90k: e.End90k.Add(max(margin90k, 1))}
}

// clipsOf makes clips of the events of a date, which are in the order of time: each from margin90k
// before its event until as long after it. Events with the same label whose clips touch are in
// one, unless that would be longer than an hour. A clip is called by when its first event
// starts; as the files of hours, with the offset from UTC where the clock shows that time
// twice.
func clipsOf(c civil.Calendar, hours []civil.Hour, all []Event, margin90k moonfirefs.Duration90k) (clips []library.NamedInterval) {
	twice := civil.Repeated(hours)
	last := make(map[string]int) // the clip with a label that ends last
	names := make(taken)
	for i := range all {
		e := &all[i]
		if storedLabelProblem(e.Label) != "" {
			continue // the database is somebody else's
		}
		within := clipOf(e, margin90k)
		if n, ok := last[e.Label]; ok && within.Start90k <= clips[n].End90k && within.End90k.Sub(clips[n].Start90k) <= maxClip90k {
			clips[n].End90k = max(clips[n].End90k, within.End90k)
			continue
		}
		layout := "15.04.05"
		if t := e.Start90k.Time().In(c.Zone); twice[t.Hour()] {
			layout += "-0700"
		}
		name := fmt.Sprintf("%s %s", c.Format(e.Start90k, layout), e.Label)
		for names.has(name) {
			name += fmt.Sprintf(" %d", e.ID)
		}
		names.add(name)
		last[e.Label] = len(clips)
		clips = append(clips, library.NamedInterval{Name: name, Interval: within})
	}
	return clips
}

// taken are the names of clips: "person-2.mp4" is the first part of what has that label, or the
// second one of "person". The value says that a name is that of a first part. Names that differ
// by case alone count as the same, as they are for Windows and for clients of Samba.
type taken map[string]bool

// folded is the same for names that differ by case alone, or by how accents are put on letters,
// as macOS has it.
func folded(name string) string { return cases.Fold().String(norm.NFC.String(name)) }

func (t taken) add(name string) {
	name = folded(name)
	if first, ok := firstPart(name); ok && !t[first] {
		t[first] = false
	}
	t[name] = true
}

func (t taken) has(name string) bool {
	name = folded(name)
	_, ok := t[name]
	first, further := firstPart(name)
	return ok || further && t[first]
}

// firstPart is the name of the first part of a clip, if name can be that of a further one.
func firstPart(name string) (first string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return "", false
	}
	n, err := strconv.ParseUint(name[i+1:], 10, 31)
	return name[:i], err == nil && n > 1
}
