// SPDX-License-Identifier: GPL-3.0-or-later

package verify

import (
	"context"
	"iter"
	"slices"

	"github.com/moonfirefs/moonfirefs/proof"
)

// search looks for the groups of pictures that are not where they should be among the
// samples that the file's own tables name, and says what has become of them. A file that
// was cut, spliced or made anew by another program still has pictures as they were signed.
func (c *comparison) search(ctx context.Context) error {
	samples, err := readVideoTrack(c.file, c.sizeBytes)
	if err != nil {
		c.report.add("its own tables cannot be read, so that pictures are looked for only where they should be: %v", err)
		c.report.conclude(c.report.pictures)
		return nil
	}
	s := &searcher{
		comparison: c, samples: samples, bySize: make(map[int64][]int), byOffset: make(map[int64]int), used: make([]bool, len(samples)),
		budgetBytes: searchTimes * c.sizeBytes,
	}
	for i, sample := range samples {
		s.bySize[sample.bytes] = append(s.bySize[sample.bytes], i)
		s.byOffset[sample.offset] = i
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	s.conclude()
	return nil
}

const (
	// searchTimes bounds how much is read, in a file that is made so as to take long.
	searchTimes = 4
	// maxCandidates bounds where a group is looked for.
	maxCandidates = 10000
)

// searcher looks for groups.
type searcher struct {
	*comparison
	samples []fileSample
	// bySize and byOffset find samples.
	bySize   map[int64][]int
	byOffset map[int64]int
	// used are the samples of groups that were found.
	used        []bool
	budgetBytes int64

	found, missing stretches
	foundGroups    int
	lastFound      int
	reordered      bool
}

// run looks first at the groups that are where they should be: what another one has, bit
// for bit, must not be taken for them.
func (s *searcher) run(ctx context.Context) error {
	places := make(map[*group]int)
	for i, made := range s.report.made {
		for k := range made.video {
			if g := &made.video[k]; g.present && !g.changed {
				if at, ok := s.inPlace(i, g); ok {
					places[g] = at
				}
			}
		}
	}
	s.lastFound = -1
	for i, made := range s.report.made {
		for k := range made.video {
			g := &made.video[k]
			if !g.present {
				continue
			}
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			at, known := places[g]
			if !known {
				var err error
				if at, err = s.find(g); err != nil {
					return err
				}
			}
			s.note(s.report.proven[i], g, at)
		}
	}
	return nil
}

// inPlace finds the first sample of a group of recording i that is where it should be, if
// the file's tables name it as well.
func (s *searcher) inPlace(i int, g *group) (at int, ok bool) {
	there := g.there()
	first, _ := fileOffset(s.extents[i], there[0])
	at, ok = s.byOffset[first]
	if !ok || !s.sizesFit(there, at) {
		return 0, false
	}
	for k, p := range there {
		if offset, _ := fileOffset(s.extents[i], p); s.samples[at+k].offset != offset {
			return 0, false
		}
	}
	s.use(there, at)
	return at, true
}

// use takes samples for those of a group.
func (s *searcher) use(there []*proof.Place, at int) {
	for k := range there {
		s.used[at+k] = true
	}
}

// note takes up where a group is; -1 if it is nowhere.
func (s *searcher) note(p *proof.Proven, g *group, at int) {
	when := s.report.when(p, g)
	if at < 0 {
		s.missing = s.missing.with(when)
		return
	}
	s.found = s.found.with(when)
	s.foundGroups++
	s.reordered = s.reordered || at < s.lastFound
	s.lastFound = at
}

// find returns the first sample of a group in the file, or -1.
func (s *searcher) find(g *group) (int, error) {
	there := g.there()
	candidates := s.bySize[int64(there[0].Bytes)]
	for _, at := range candidates[:min(len(candidates), maxCandidates)] {
		if !s.sizesFit(there, at) {
			continue
		}
		next := at
		found, err := g.digest(func(_ *proof.Place, data []byte) (bool, error) {
			if s.budgetBytes -= int64(len(data)); s.budgetBytes < 0 {
				return false, nil
			}
			next++
			return s.readAt(data, s.samples[next-1].offset)
		})
		if err != nil {
			return -1, err
		}
		if found == g.signed {
			s.use(there, at)
			return at, nil
		}
	}
	return -1, nil
}

func (s *searcher) sizesFit(there []*proof.Place, at int) bool {
	if at+len(there) > len(s.samples) {
		return false
	}
	for k := range there {
		if s.samples[at+k].bytes != int64(there[k].Bytes) || s.used[at+k] {
			return false
		}
	}
	return true
}

// conclude says what has become of the pictures.
func (s *searcher) conclude() {
	r := s.report
	r.UnchangedGroups, r.Stretches = s.foundGroups, s.found
	r.conclude(s.missing)
	if s.reordered {
		r.add("pictures are in another order than they were recorded in")
	}
	switch foreign := len(slices.Collect(s.foreign())); foreign {
	case 0:
	case 1:
		r.add("1 picture in the file is not among those signed")
	default:
		r.add("%d pictures in the file are not among those signed", foreign)
	}
}

// foreign are the samples of the file that are of no group.
func (s *searcher) foreign() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, used := range s.used {
			if !used && !yield(i) {
				return
			}
		}
	}
}
