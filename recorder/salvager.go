// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/journal"
)

// errNothingWhole is returned when of a recording nothing is left that could be
// salvaged.
var errNothingWhole = errors.New("nothing whole was written")

// salvager looks at what a crash has left in one sample directory, and completes the
// recordings that it has interrupted (§ Salvage).
type salvager struct {
	id  moonfirefs.SampleDirID
	dir directory
	db  database
	log *slog.Logger
	// logOf returns a logger that says which stream a recording is of.
	logOf func(moonfirefs.StreamID) *slog.Logger
	// elsewhere returns another sample directory, or nil if it is not open.
	elsewhere func(moonfirefs.SampleDirID) directory
}

// leftovers are the names that were reserved when the program began.
type leftovers struct {
	// salvaged are recordings whose files are to be made durable, those of a stream in
	// order.
	salvaged []*finished
	// unused are names of which there is no file, worthless those of files that hold
	// nothing, if they exist, and kept those of files of which a person must decide.
	unused, worthless, kept []uuid.UUID
}

// salvage finds out what was left. It removes journals that nothing needs.
func (s *salvager) salvage(ctx context.Context) (*leftovers, error) {
	reserved, err := s.db.Reserved(ctx, s.id)
	if err != nil {
		return nil, err
	}
	journals, err := s.dir.Journals()
	if err != nil {
		return nil, err
	}
	used, err := s.used(reserved, journals)
	if err != nil {
		return nil, err
	}
	found := new(leftovers)
	for _, r := range reserved {
		if !used[r.UUID] {
			found.unused = append(found.unused, r.UUID)
			continue
		}
		f, err := s.salvageOne(ctx, r)
		switch {
		case err == nil:
			found.salvaged = append(found.salvaged, f)
		case ctx.Err() != nil:
			closeAll(found.salvaged)
			return nil, ctx.Err()
		case errors.Is(err, errNothingWhole):
			if errors.Is(err, moonfirefs.ErrCorrupt) {
				s.log.Warn("nothing can be salvaged of a recording", "file", r.UUID, "err", err)
			}
			found.worthless = append(found.worthless, r.UUID)
		default:
			s.log.Warn("cannot salvage a recording; its files are kept", "file", r.UUID, "err", err)
			found.kept = append(found.kept, r.UUID)
		}
	}
	slices.SortFunc(found.salvaged, compareFinished)
	s.sweepJournals(reserved, journals)
	return found, nil
}

// used tells which names have a file, one of the journals, or a row: of most there is
// nothing, since the recorder has hundreds in stock. It asks for each, since the directory
// may have very many more files.
func (s *salvager) used(reserved []index.Reservation, journals []uuid.UUID) (used map[uuid.UUID]bool, err error) {
	used = make(map[uuid.UUID]bool, len(reserved))
	for _, name := range journals {
		used[name] = true
	}
	for _, r := range reserved {
		if used[r.UUID] || r.Recorded {
			used[r.UUID] = true
			continue
		}
		_, err := s.dir.Stat(r.UUID)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		used[r.UUID] = err == nil
	}
	return used, nil
}

// compareFinished puts the recordings of a stream into their order.
func compareFinished(a, b *finished) int {
	return cmp.Or(cmp.Compare(a.row.Stream, b.row.Stream),
		cmp.Compare(a.row.Open, b.row.Open),
		cmp.Compare(a.row.Start90k, b.row.Start90k),
		cmp.Compare(a.row.RunOffset, b.row.RunOffset))
}

// salvageOne completes a recording. The error wraps errNothingWhole if there is
// none; any other says why its files must be kept.
func (s *salvager) salvageOne(ctx context.Context, r index.Reservation) (*finished, error) {
	if r.Recorded {
		return nil, fmt.Errorf("it is a recording already: %w", moonfirefs.ErrCorrupt)
	}
	if r.Moving {
		return nil, s.dropCopy(ctx, r)
	}
	if r.Deleting {
		return nil, errNothingWhole
	}
	var j *journal.Journal
	err := failpoint.Step("salvage.1", func() (err error) {
		if j, err = s.readJournal(r.UUID); err != nil {
			return err
		}
		return s.db.CheckOrigin(ctx, j.Stream, j.Open)
	})
	if err != nil {
		return nil, err
	}
	file, err := s.dir.Reopen(r.UUID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNothingWhole
	}
	if err != nil {
		return nil, err
	}
	row, err := s.complete(file, j)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f := &finished{row: row, entry: j.Entry, audioEntry: j.AudioEntry, file: file, status: new(status), log: s.logOf(j.Stream)}
	f.log.Info("salvaging a recording that a crash interrupted", "file", r.UUID,
		"start", row.Start90k, "duration", row.Duration90k, "frames", row.VideoSamples)
	return f, nil
}

// dropCopy returns errNothingWhole for the copy of a recording that has not moved (§ Move),
// and another error where it must be kept: its original is missing, or cannot be looked at.
// Then the copy may be all there is: the index may have lost the commit of the move.
func (s *salvager) dropCopy(ctx context.Context, r index.Reservation) error {
	origin, ok, err := s.db.OriginOf(ctx, r.SampleFile)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNothingWhole // deleted meanwhile
	}
	dir := s.elsewhere(origin.SampleDir)
	if dir == nil {
		return fmt.Errorf("it is a copy of recording %d, whose sample directory is not open", origin.ID)
	}
	info, err := dir.Stat(origin.SampleFile)
	switch {
	case err != nil:
		return fmt.Errorf("it is a copy of recording %d: %w", origin.ID, err)
	case info.SizeBytes != origin.SampleFileBytes:
		return fmt.Errorf("it is a copy of recording %d, whose sample file has %d bytes instead of %d: %w", origin.ID, info.SizeBytes, origin.SampleFileBytes, moonfirefs.ErrCorrupt)
	}
	return errNothingWhole
}

// readJournal returns a journal that has samples of the named file.
func (s *salvager) readJournal(name uuid.UUID) (*journal.Journal, error) {
	data, err := s.dir.ReadJournal(name, journal.MaxBytes+1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNothingWhole
	}
	if err != nil {
		return nil, err
	}
	j, err := journal.Decode(data)
	switch {
	case errors.Is(err, journal.ErrVersion):
		return nil, err
	case j == nil && len(data) > 0:
		return nil, fmt.Errorf("%w: %w", errNothingWhole, err)
	case j == nil || len(j.Samples) == 0: // killed just now, or within the first group of pictures
		return nil, errNothingWhole
	case j.SampleFile != name:
		return nil, fmt.Errorf("its journal is of the file %s: %w", j.SampleFile, moonfirefs.ErrCorrupt)
	}
	return j, nil
}

// complete cuts a sample file back to the last piece of which it and the journal
// agree, and returns the row of the recording, whose file is to be made durable.
func (s *salvager) complete(file reopenedFile, j *journal.Journal) (*moonfirefs.Recording, error) {
	pieces := j.Pieces()
	var whole int
	err := failpoint.Step("salvage.2", func() (err error) {
		whole, err = journal.CountWhole(io.NewSectionReader(file, 0, math.MaxInt64), pieces)
		return err
	})
	if err != nil {
		return nil, err
	}
	if whole == 0 {
		return nil, fmt.Errorf("%w: no sample is as the journal says", errNothingWhole)
	}
	table := journal.TableOf(pieces[:whole])
	if err := failpoint.Step("salvage.3", func() error { return file.Truncate(table.Bytes()) }); err != nil {
		return nil, err
	}
	digest := moonfirefs.NewSampleFileDigest()
	if _, err := io.Copy(digest, io.NewSectionReader(file, 0, table.Bytes())); err != nil {
		return nil, err
	}
	return salvagedRow(s.id, j, table, digest), nil
}

// sweepJournals removes those of the journals whose names are not reserved: their
// recordings are committed or gone. Their sample files are none of its business.
func (s *salvager) sweepJournals(reserved []index.Reservation, journals []uuid.UUID) {
	isReserved := make(map[uuid.UUID]bool, len(reserved))
	for _, r := range reserved {
		isReserved[r.UUID] = true
	}
	for _, name := range journals {
		if isReserved[name] {
			continue
		}
		if err := s.dir.UnlinkJournal(name); err != nil {
			s.log.Warn("cannot delete a journal", "file", name, "err", err)
		}
	}
}
