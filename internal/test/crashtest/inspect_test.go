// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/check"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// moment says what may be true of a store.
type moment int

const (
	// afterCrash: names may be reserved.
	afterCrash moment = iota
	// afterOrderlyStop: none may.
	afterOrderlyStop
)

// inspect returns what is wrong with the store while no program runs.
func (s *site) inspect(at moment) (problems []string) {
	ctx := context.Background()
	opened, err := s.openStore(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	defer opened.Close()
	report, err := check.Check(ctx, opened, check.Options{Index: true, Hash: true})
	if err != nil {
		return []string{err.Error()}
	}
	for _, f := range report.Findings {
		problems = append(problems, f.String())
	}
	if at == afterOrderlyStop && report.Reserved > 0 {
		problems = append(problems, fmt.Sprintf("%d names are reserved after an orderly stop", report.Reserved))
	}
	broken, err := s.brokenPromises(ctx, opened)
	if err != nil {
		problems = append(problems, err.Error())
	}
	return append(append(problems, broken...), s.brokenRooms(ctx, opened)...)
}

// brokenPromises lists the recordings that were committed and are missing,
// although retention need not have deleted them.
func (s *site) brokenPromises(ctx context.Context, opened *store.Store) (problems []string, err error) {
	found, err := recordings(ctx, opened)
	if err != nil {
		return nil, err
	}
	all, err := opened.DB.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	present := make(map[uuid.UUID]bool)
	for _, r := range found {
		present[r.SampleFile] = true
		if p, ok := s.promised[r.SampleFile]; ok && p.sizeBytes != r.SampleFileBytes {
			problems = append(problems, fmt.Sprintf("recording %s has %d bytes, not %d", r.SampleFile, r.SampleFileBytes, p.sizeBytes))
		}
	}
	for i := range all {
		problems = append(problems, s.brokenPromisesOf(&all[i], found, present)...)
		s.remember(&all[i], found)
	}
	return problems, nil
}

// remember makes promises of the recordings that are there: of some, the program
// was killed before it could log the commit.
func (s *site) remember(c *moonfirefs.Camera, found []moonfirefs.Recording) {
	for _, r := range found {
		if r.Stream == c.Streams[0].ID {
			s.promised[r.SampleFile] = promise{
				camera: c.ShortName, file: r.SampleFile, sizeBytes: r.SampleFileBytes, id: int64(r.ID), start: r.Start90k.Time(),
			}
		}
	}
}

// rememberUnopened is remember for a store that is not to be opened: it reads a copy of the
// index. Retention may delete what is there before the next inspection.
func (s *site) rememberUnopened() {
	s.t.Helper()
	copied := filepath.Join(s.t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(filepath.Join(s.path, "moonfire.db"+suffix))
		if errors.Is(err, fs.ErrNotExist) {
			continue // there may be no WAL
		}
		if err == nil {
			err = os.WriteFile(copied+suffix, data, 0o600)
		}
		if err != nil {
			return // the fault that was tried may be of this disk
		}
	}
	output, err := exec.CommandContext(s.t.Context(), "sqlite3", copied, `
		select r.id, c.short_name, lower(hex(r.sample_file_uuid)), r.sample_file_bytes, r.start_time_90k
		  from recording r join stream s on s.id = r.stream_id join camera c on c.id = s.camera_id`).Output()
	if err != nil {
		return
	}
	for line := range strings.Lines(string(output)) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		id, err1 := strconv.ParseInt(fields[0], 10, 64)
		file, err2 := uuid.Parse(fields[2])
		sizeBytes, err3 := strconv.ParseInt(fields[3], 10, 64)
		start90k, err4 := strconv.ParseInt(fields[4], 10, 64)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			s.t.Fatal(err)
		}
		s.promised[file] = promise{camera: fields[1], file: file, sizeBytes: sizeBytes, id: id, start: moonfirefs.Time90k(start90k).Time()}
	}
}

// brokenPromisesOf uses that retention deletes the recordings that were committed
// first, as many as needed and no more. So when the newest of those that are missing was deleted,
// it and what was recorded after it exceeded the quota; and what is there by now
// is no less.
func (s *site) brokenPromisesOf(c *moonfirefs.Camera, found []moonfirefs.Recording, present map[uuid.UUID]bool) (problems []string) {
	stream := &c.Streams[0]
	if stream.RetainFor90k > 0 {
		return s.missingYoung(c, present)
	}
	var newest *promise
	var presentBytes int64
	for _, r := range found {
		if r.Stream == stream.ID {
			presentBytes += r.SampleFileBytes
		}
	}
	for file, p := range s.promised {
		if p.camera != c.ShortName || present[file] {
			continue
		}
		if s.spared[file] {
			problems = append(problems, fmt.Sprintf("%s is missing, although it has an event", p))
		}
		if newest == nil || p.id > newest.id {
			newest = &p
		}
	}
	if newest == nil {
		return problems
	}
	for file, p := range s.promised {
		if p.camera == c.ShortName && present[file] && !s.spared[file] && p.id < newest.id {
			problems = append(problems, fmt.Sprintf("%s is missing, but not %s, which is older", newest, p))
			break
		}
	}
	retainBytes := stream.RetainBytes
	if stream.TierRetainBytes > 0 {
		retainBytes = stream.TierRetainBytes // all goes there before it is deleted
	}
	if presentBytes+newest.sizeBytes <= retainBytes {
		problems = append(problems, fmt.Sprintf("%s is missing, although there is room for it beside %d bytes", newest, presentBytes))
	}
	return problems
}

// recordings lists all of them, by id.
func recordings(ctx context.Context, opened *store.Store) (all []moonfirefs.Recording, err error) {
	for id := range opened.Dirs {
		rows, err := opened.DB.Recordings(ctx, id, 0, 1<<20, false)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortFunc(all, func(a, b moonfirefs.Recording) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// tail returns the last lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
