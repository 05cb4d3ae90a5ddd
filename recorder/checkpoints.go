// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/journal"
)

// checkpointEvery bounds what a power cut can cost, with the time that a
// checkpoint takes: 10 s together, unless a disk needs more than 2 s for one. Each
// costs one flush of the disk, or two fsyncs for each stream; see design/journal.md.
const checkpointEvery = 8 * time.Second

// checkpoints make durable what has been recorded so far in one sample directory, so
// that a power cut does not cost whole recordings (§ Checkpoint). They own the list of
// files whose recordings are not committed, and their journals.
type checkpoints struct {
	dir     directory
	entries *entries
	trouble journalTrouble
	log     *slog.Logger

	mu sync.Mutex // guards pending
	// pending are the files that this process has created, by their names.
	pending map[uuid.UUID]*pendingFile
}

func newCheckpoints(dir directory, entries *entries, log *slog.Logger) *checkpoints {
	return &checkpoints{
		dir: dir, entries: entries, log: log,
		trouble: journalTrouble{log: log},
		pending: make(map[uuid.UUID]*pendingFile),
	}
}

// begin takes on a new sample file. It makes the journal that the header describes.
func (c *checkpoints) begin(file sampleFile, h *journal.Header) *pendingFile {
	f := &pendingFile{name: h.SampleFile, open: h.Open, file: file, journal: c.newJournal(h)}
	c.entries.created.Store(true) // afterwards, lest who began before takes it for durable
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[f.name] = f
	return f
}

// complete says that a file has all that it will get.
func (c *checkpoints) complete(name uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.pending[name]; f != nil {
		f.complete = true
	}
}

// inProgress tells whether somebody may still write to one of the files.
func (c *checkpoints) inProgress() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.pending {
		if !f.complete {
			return true
		}
	}
	return false
}

// forget lets go of all files: the index still knows their names, and their journals
// what is in them.
func (c *checkpoints) forget() {
	for _, f := range c.files() {
		c.done(f.name)
	}
}

// newJournal returns nil if it fails: that does the recording no harm.
func (c *checkpoints) newJournal(h *journal.Header) *journalWriter {
	file, err := c.dir.CreateJournal(h.SampleFile)
	if err != nil {
		c.trouble.failed(err)
		return nil
	}
	j, err := newJournalWriter(file, h, c.trouble.failed)
	if err != nil {
		c.trouble.failed(errors.Join(err, file.Close()))
		return nil
	}
	return j
}

// done lets go of a file, if there is one of this name: its recording is committed or
// given up.
func (c *checkpoints) done(name uuid.UUID) {
	c.mu.Lock()
	f := c.pending[name]
	delete(c.pending, name)
	c.mu.Unlock()
	if f != nil && f.journal.close() {
		c.trouble.over()
	}
}

// halt closes all journals. They are complete, since nobody writes any more.
func (c *checkpoints) halt() {
	for _, f := range c.files() {
		f.journal.close()
	}
}

// makeOne makes one checkpoint, of all recordings at once. With it, it makes the files of
// finished recordings durable (§ Create step 3), and returns why that has failed, for each
// of them.
func (c *checkpoints) makeOne(whole []*finished) []error {
	files := c.files()
	var errs []error
	if c.dir.KeepsOrder() {
		errs = c.makeTogether(files, whole)
	} else {
		errs = c.makeInTurn(files, whole)
	}
	for i, f := range whole {
		if errs[i] != nil {
			f.file.Unseal() // first: one that is sealed and has no journal looks committed
			c.dropJournalOf(f.row.SampleFile)
		}
	}
	return errs
}

// makeInTurn is makeOne with a flush of the disk for each file.
func (c *checkpoints) makeInTurn(files []*pendingFile, whole []*finished) []error {
	errs := syncEach(whole)
	for _, f := range files {
		if err := f.Datasync(); err != nil {
			c.dropJournal(f)
		}
	}
	for _, f := range files {
		f.journal.datasync()
	}
	c.entries.checkpoint()
	return errs
}

// syncEach makes the files of finished recordings durable, one after another.
func syncEach(whole []*finished) []error {
	errs := make([]error, len(whole))
	for i, f := range whole {
		errs[i] = failpoint.Step("create.3", f.file.Sync)
	}
	return errs
}

// makeTogether is makeOne with one flush of the disk for all files: first, the disk gets
// what was written to each; then a barrier of one of them makes all of it durable.
func (c *checkpoints) makeTogether(files []*pendingFile, whole []*finished) []error {
	for _, f := range files {
		f.StartWriting() // or the disk would get one file after another
	}
	errs := make([]error, len(whole))
	var barriers []barrier // any of them does
	for i, f := range whole {
		f.file.Seal()
		if errs[i] = failpoint.Step("create.3", f.file.AwaitWriting); errs[i] == nil {
			barriers = append(barriers, f.file)
		}
	}
	written := c.writeOut(files)
	for _, f := range written {
		barriers = append(barriers, f.file)
	}
	for _, f := range files {
		if file := f.journal.writeOut(); file != nil {
			barriers = append(barriers, file)
		}
	}
	if len(barriers) == 0 {
		c.entries.checkpoint()
		return errs
	}
	if err := c.entries.together(barriers); err != nil {
		c.lose(written)
		for i := range errs {
			errs[i] = cmp.Or(errs[i], err)
		}
	}
	return errs
}

// writeOut hands what was written to the disk, and returns the files of which there was
// something.
func (c *checkpoints) writeOut(files []*pendingFile) (written []*pendingFile) {
	for _, f := range files {
		wrote, err := f.writeOut()
		switch {
		case err != nil:
			c.dropJournal(f)
		case wrote:
			written = append(written, f)
		}
	}
	return written
}

// lose is called when a barrier has failed: what it stood for is not to be believed, of any
// of the files.
func (c *checkpoints) lose(written []*pendingFile) {
	for _, f := range written {
		f.spoiled.Store(true)
		c.dropJournal(f)
	}
}

// files lists the pending files.
func (c *checkpoints) files() []*pendingFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	files := make([]*pendingFile, 0, len(c.pending))
	for _, f := range c.pending {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b *pendingFile) int { return slices.Compare(a.name[:], b.name[:]) })
	return files
}

// dropJournalOf is dropJournal for a file of a name.
func (c *checkpoints) dropJournalOf(name uuid.UUID) {
	c.mu.Lock()
	f := c.pending[name]
	c.mu.Unlock()
	if f != nil {
		c.dropJournal(f)
	}
}

// dropJournal gives up the journal of a file that could not be made durable. The next write,
// or the save, says why. Until then nobody shall salvage it: from the page cache it would
// look whole.
func (c *checkpoints) dropJournal(f *pendingFile) {
	f.journal.close()
	if err := c.dir.UnlinkJournal(f.name); err != nil {
		c.log.Warn("cannot delete a journal; the next start will try again", "file", f.name, "err", err)
	}
}
