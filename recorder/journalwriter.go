// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/journal"
)

// journalWriter writes a journal: a record for each group of pictures, or sooner
// where a checkpoint asks for it. Trouble with it does no harm to the recording:
// it is reported once, and no more is written. Where there is no journal, it is
// nil, and its methods do nothing.
type journalWriter struct {
	// failed is told the first error; it is called without a lock.
	failed func(error)
	// unsynced says that a record was written since the last datasync.
	unsynced atomic.Bool

	mu sync.Mutex // guards what follows
	// file is nil once it is closed or has failed.
	file   journalFile
	group  journal.Group
	dating journal.Dating
	// audio says that the configuration of the audio has been written.
	audio bool
	// record is the memory in which records are made.
	record []byte
}

// newJournalWriter begins a journal.
func newJournalWriter(file journalFile, h *journal.Header, failed func(error)) (*journalWriter, error) {
	j := &journalWriter{failed: failed, file: file}
	header, err := journal.AppendHeader(nil, h)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(header)
	j.unsynced.Store(true)
	return j, err
}

// date notes what is known of the recording's time.
func (j *journalWriter) date(dating journal.Dating) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dating = dating
}

// add notes a sample that is in the sample file.
func (j *journalWriter) add(s moonfirefs.Sample, sum uint32) {
	if j == nil {
		return
	}
	j.mu.Lock()
	j.group.Add(s, sum)
	full := j.group.Full()
	j.mu.Unlock()
	if full {
		j.flush()
	}
}

// addChunk notes a chunk of audio that is in the sample file, behind all samples
// that were added, of which there are videoSamples since the chunk before.
func (j *journalWriter) addChunk(entry *moonfirefs.AudioSampleEntry, videoSamples int32, c *journal.Chunk) {
	if j == nil {
		return
	}
	j.flush()
	if err := j.writeChunk(entry, videoSamples, c); err != nil {
		j.failed(err)
	}
}

func (j *journalWriter) writeChunk(entry *moonfirefs.AudioSampleEntry, videoSamples int32, c *journal.Chunk) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.record = j.record[:0]
	if !j.audio {
		j.record = journal.AppendAudioEntry(j.record, entry)
		j.audio = true
	}
	j.record = journal.AppendChunk(j.record, videoSamples, c)
	return j.writeRecord()
}

// flush writes what was added as a record.
func (j *journalWriter) flush() {
	if j == nil {
		return
	}
	if err := j.write(); err != nil {
		j.failed(err)
	}
}

func (j *journalWriter) write() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.group.Samples() == 0 {
		return nil
	}
	j.record = j.group.AppendRecord(j.record[:0], j.dating)
	return j.writeRecord()
}

// writeRecord is called with j.mu held.
func (j *journalWriter) writeRecord() error {
	if j.file == nil {
		return nil
	}
	_, err := j.file.Write(j.record)
	j.unsynced.Store(true)
	if err != nil {
		return errors.Join(err, j.closeLocked())
	}
	return nil
}

// datasync makes the records so far durable (§ Checkpoint step 3). If that fails,
// what is in the file is still worth having, but there is no use in more.
func (j *journalWriter) datasync() {
	if j == nil || !j.unsynced.Swap(false) {
		return
	}
	j.mu.Lock()
	file := j.file
	j.mu.Unlock()
	if file == nil {
		return
	}
	// Without the lock: a frame must not wait for the disk here.
	err := failpoint.Step("checkpoint.3", file.Datasync)
	if err == nil || errors.Is(err, os.ErrClosed) {
		return
	}
	j.close()
	j.failed(err)
}

// close writes no more. It tells whether all was well so far.
func (j *journalWriter) close() (whole bool) {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file != nil && j.closeLocked() == nil
}

func (j *journalWriter) closeLocked() error {
	if j.file == nil {
		return nil
	}
	file := j.file
	j.file = nil
	return file.Close()
}

// journalTrouble says in the log that journals cannot be written, once, and that
// they can be again.
type journalTrouble struct {
	log *slog.Logger

	mu  sync.Mutex // guards err
	err error
}

func (t *journalTrouble) failed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if isNews(t.err, err) {
		t.log.Warn("a journal cannot be written: a crash would cost what is being recorded", "err", err)
	}
	t.err = err
}

// read returns why journals cannot be written, or nil.
func (t *journalTrouble) read() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *journalTrouble) over() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		t.log.Info("journals are written again")
	}
	t.err = nil
}
