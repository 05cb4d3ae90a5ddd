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

// journalWriter writes a journal: what a batch has added to the sample file, at once.
// Trouble with it does no harm to the recording: it is reported once, and no more is
// written. Where there is no journal, it is nil, and its methods do nothing.
type journalWriter struct {
	// failed is told the first error; it is called without a lock.
	failed func(error)
	// unsynced says that something was written since the last datasync.
	unsynced atomic.Bool

	mu sync.Mutex // guards file
	// file is nil once it is closed or has failed.
	file journalFile

	// What follows belongs to the goroutine that records.

	// group are samples behind the records.
	group journal.Group
	// audio says that the records have had the configuration of the audio.
	audio bool
	// records are to be written.
	records []byte
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

// add takes a sample that is in the sample file. If its duration is not known yet, which
// is then 0, it is the last one before write, and the first one after that again.
func (j *journalWriter) add(s moonfirefs.Sample, sum uint32) {
	if j != nil {
		j.group.Add(s, sum)
	}
}

// addChunk takes a chunk of audio that is in the sample file, behind all samples that
// were added, of which there are videoSamples since the chunk before.
func (j *journalWriter) addChunk(entry *moonfirefs.AudioSampleEntry, videoSamples int32, c *journal.Chunk, dating journal.Dating) {
	if j == nil {
		return
	}
	j.endGroup(dating)
	if !j.audio {
		j.records = journal.AppendAudioEntry(j.records, entry)
		j.audio = true
	}
	j.records = journal.AppendChunk(j.records, videoSamples, c)
}

// endGroup makes a record of the samples that were added.
func (j *journalWriter) endGroup(dating journal.Dating) {
	if j.group.Samples() > 0 {
		j.records = j.group.AppendRecord(j.records, dating)
	}
}

// write writes what was added, with what is known of the recording's time.
func (j *journalWriter) write(dating journal.Dating) {
	if j == nil {
		return
	}
	j.endGroup(dating)
	err := j.writeRecords()
	j.records = j.records[:0]
	if err != nil {
		j.failed(err)
	}
}

func (j *journalWriter) writeRecords() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil || len(j.records) == 0 {
		return nil
	}
	_, err := j.file.Write(j.records)
	j.unsynced.Store(true)
	if err != nil {
		return errors.Join(err, j.closeLocked())
	}
	return nil
}

// datasync makes the records so far durable (§ Checkpoint step 2). If that fails,
// what is in the file is still worth having, but there is no use in more.
func (j *journalWriter) datasync() { j.makeDurable(journalFile.Datasync) }

// writeOut is the first half of datasync, where a barrier is the other one. It returns the
// file if there was something to write.
func (j *journalWriter) writeOut() journalFile { return j.makeDurable(journalFile.AwaitWriting) }

func (j *journalWriter) makeDurable(sync func(journalFile) error) (synced journalFile) {
	file := j.changed()
	if file == nil || !j.unsynced.Swap(false) {
		return nil
	}
	// Without the lock: a frame must not wait for the disk here.
	err := failpoint.Step("checkpoint.2", func() error { return sync(file) })
	if err == nil || errors.Is(err, os.ErrClosed) {
		return file
	}
	j.close()
	j.failed(err)
	return nil
}

// changed returns the file if something was written to it that is not durable.
func (j *journalWriter) changed() journalFile {
	if j == nil || !j.unsynced.Load() {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file
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
