package recorder

import (
	"cmp"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// reopenedFile is a sample file that a crash has left.
type reopenedFile interface {
	sampleFile
	io.ReaderAt
}

// salvage completes the recordings that a crash has interrupted, and leaves them
// to be committed (§ Salvage). It dooms the other reserved names, but keeps
// what it cannot make sense of for a person to look at, and removes journals that
// nothing needs.
func (s *syncer) salvage(ctx context.Context) error {
	reserved, err := s.db.Reserved(ctx, s.id)
	if err != nil {
		return err
	}
	var salvaged []*finished
	for _, r := range reserved {
		f, err := s.salvageOne(ctx, r)
		switch {
		case err == nil:
			salvaged = append(salvaged, f)
		case ctx.Err() != nil:
			closeAll(salvaged)
			return ctx.Err()
		case errors.Is(err, errNothingWhole):
			s.giveUp(r.UUID, err)
		default:
			s.log.Warn("cannot salvage a recording; its files are kept", "file", r.UUID, "err", err)
			s.keep(r.UUID)
		}
	}
	slices.SortFunc(salvaged, func(a, b *finished) int {
		return cmp.Or(cmp.Compare(a.row.Stream, b.row.Stream),
			cmp.Compare(a.row.Open, b.row.Open),
			cmp.Compare(a.row.Start90k, b.row.Start90k),
			cmp.Compare(a.row.RunOffset, b.row.RunOffset))
	})
	for _, f := range salvaged {
		s.keep(f.row.SampleFile)
		s.save(f)
	}
	return s.sweepJournals(reserved)
}

func closeAll(all []*finished) {
	for _, f := range all {
		_ = f.file.Close() // nothing that was promised
	}
}

// giveUp dooms a name. For most of them no file was ever created, which is
// nothing to speak of.
func (s *syncer) giveUp(name uuid.UUID, err error) {
	if errors.Is(err, moonfirefs.ErrCorrupt) {
		s.log.Warn("nothing can be salvaged of a recording", "file", name, "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doom(deletion{name: name})
}

// keep keeps a name from being doomed when the recorder closes.
func (s *syncer) keep(name uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[name] = struct{}{}
}

// salvageOne completes a recording. The error wraps errNothingWhole if there is
// none; any other says why its files must be kept.
func (s *syncer) salvageOne(ctx context.Context, r index.Reservation) (*finished, error) {
	if r.Recorded {
		return nil, fmt.Errorf("it is a recording already: %w", moonfirefs.ErrCorrupt)
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
	recording, err := complete(file, j)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	recording.SampleDir = s.id
	f := &finished{row: recording, entry: j.Entry, audioEntry: j.AudioEntry, file: file, status: new(status), log: s.streamLog(j.Stream)}
	f.log.Info("salvaging a recording that a crash interrupted", "file", r.UUID,
		"start", recording.Start90k, "duration", recording.Duration90k, "frames", recording.VideoSamples)
	return f, nil
}

// readJournal returns a journal that has samples of the named file.
func (s *syncer) readJournal(name uuid.UUID) (*journal.Journal, error) {
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

// complete cuts a sample file back to the last sample of which it and the journal
// agree, and returns the recording, whose file is to be made durable.
func complete(file reopenedFile, j *journal.Journal) (*moonfirefs.Recording, error) {
	var whole []journal.Sample
	var chunks []journal.Chunk
	err := failpoint.Step("salvage.2", func() (err error) {
		whole, chunks, err = wholeSamples(file, j)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(whole) == 0 {
		return nil, fmt.Errorf("%w: no sample is as the journal says", errNothingWhole)
	}
	var encoder moonfirefs.VideoIndexEncoder
	for _, s := range whole {
		encoder.Add(s.Sample)
	}
	audio, audioIndex := salvagedAudio(chunks)
	sizeBytes := encoder.Bytes() + audio.Bytes
	if err := failpoint.Step("salvage.3", func() error { return file.Truncate(sizeBytes) }); err != nil {
		return nil, err
	}
	digest := sha1.New()
	if _, err := io.Copy(digest, io.NewSectionReader(file, 0, sizeBytes)); err != nil {
		return nil, err
	}
	r := &moonfirefs.Recording{
		Summary: moonfirefs.Summary{
			Start90k:         j.Start90k,
			Duration90k:      encoder.Duration90k(),
			SampleFileBytes:  sizeBytes,
			VideoSamples:     encoder.Samples(),
			VideoSyncSamples: encoder.SyncSamples(),
			RunOffset:        j.RunOffset,
			Flags:            moonfirefs.FlagSalvaged,
			Audio:            audio,
		},
		Stream:            j.Stream,
		Open:              j.Open,
		LocalTimeDelta90k: j.LocalTimeDelta90k,
		SampleFile:        j.SampleFile,
		VideoIndex:        encoder.Blob(),
		AudioIndex:        audioIndex,
	}
	if n := len(chunks); n > 0 {
		r.Flags |= moonfirefs.FlagAudio
		if chunks[n-1].After < len(whole) {
			r.Flags |= moonfirefs.FlagVideoLast
		}
	}
	if whole[len(whole)-1].Duration90k == 0 {
		r.Flags |= moonfirefs.FlagTrailingZero
	}
	if encoder.Reordered() {
		r.Flags |= moonfirefs.FlagReordered
	}
	digest.Sum(r.SampleFileSHA1[:0])
	return r, nil
}

// wholeSamples returns those of the samples and of the chunks of audio between them,
// up to the first that is not as the journal says, that the file has.
func wholeSamples(file io.ReaderAt, j *journal.Journal) (samples []journal.Sample, chunks []journal.Chunk, err error) {
	w := &walk{reader: io.NewSectionReader(file, 0, math.MaxInt64), buffer: make([]byte, 64<<10)}
	for i, s := range j.Samples {
		if !w.has(int(s.Bytes), s.Sum) {
			return j.Samples[:i], chunks, w.err
		}
		for len(chunks) < len(j.Chunks) && j.Chunks[len(chunks)].After == i+1 {
			c := &j.Chunks[len(chunks)]
			if !w.has(int(c.Bytes), c.Sum) {
				return j.Samples[:i+1], chunks, w.err
			}
			chunks = j.Chunks[:len(chunks)+1]
		}
	}
	return j.Samples, chunks, nil
}

// walk reads through a sample file.
type walk struct {
	reader io.Reader
	buffer []byte
	// err is nil at the end of the file.
	err error
}

// has tells whether some bytes come next.
func (w *walk) has(sizeBytes int, sum uint32) bool {
	got, err := sumOf(w.reader, sizeBytes, w.buffer)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		w.err = err
	}
	return err == nil && got == sum
}

// salvagedAudio makes the index of chunks that are whole.
func salvagedAudio(chunks []journal.Chunk) (sum moonfirefs.AudioSummary, blob []byte) {
	if len(chunks) == 0 {
		return sum, nil
	}
	var encoder moonfirefs.AudioIndexEncoder
	before := 0
	for _, c := range chunks {
		encoder.AddChunk(int32(c.After-before), c.Samples)
		before = c.After
	}
	sum = encoder.Sum()
	sum.Start90k = chunks[0].Start90k
	return sum, encoder.Blob()
}

// sumOf reads sizeBytes, through a buffer: a damaged journal may name any size.
func sumOf(r io.Reader, sizeBytes int, buffer []byte) (sum uint32, err error) {
	for sizeBytes > 0 {
		n, err := io.ReadFull(r, buffer[:min(sizeBytes, len(buffer))])
		if err != nil {
			return 0, err
		}
		sum = journal.ExtendSum(sum, buffer[:n])
		sizeBytes -= n
	}
	return sum, nil
}

// sweepJournals removes the journals of names that are not reserved: their
// recordings are committed or gone. Their sample files are none of its business.
func (s *syncer) sweepJournals(reserved []index.Reservation) error {
	isReserved := make(map[uuid.UUID]bool, len(reserved))
	for _, r := range reserved {
		isReserved[r.UUID] = true
	}
	names, err := s.dir.Journals()
	if err != nil {
		return err
	}
	for _, name := range names {
		if isReserved[name] {
			continue
		}
		if err := s.dir.UnlinkJournal(name); err != nil {
			s.log.Warn("cannot delete a journal", "file", name, "err", err)
		}
	}
	return nil
}
