package recorder

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// quarantineFor is how long a file that could not be unlinked is left alone.
const quarantineFor = time.Minute

// deletion is a sample file on its way out; its name is reserved.
type deletion struct {
	name uuid.UUID
	// expected says that the file was there once, so that it is worth a warning
	// if it is missing.
	expected bool
	// failed says that unlinking it has failed before, and that this was logged.
	failed bool
}

// deletions takes sample files through § Delete steps 2 to 4. It belongs to the
// syncer's goroutine.
type deletions struct {
	dir   directory
	clock Clock
	log   *slog.Logger

	// pending are to be unlinked.
	pending []deletion
	// quarantined could not be; they are tried again at retry, by the monotonic
	// clock. They stop nothing else.
	quarantined []deletion
	retry       time.Duration
	// unlinked are gone, but not durably before the next fsync of the directory.
	unlinked []uuid.UUID
}

// unlink unlinks what is pending (§ Delete step 2).
func (d *deletions) unlink() {
	if _, now := d.clock.Now(); now >= d.retry {
		d.pending, d.quarantined = append(d.pending, d.quarantined...), nil
	}
	pending := d.pending
	d.pending = nil
	for _, file := range pending {
		d.unlinkOne(file)
	}
}

func (d *deletions) unlinkOne(file deletion) {
	err := failpoint.Step("delete.2", func() error { return d.dir.Unlink(file.name) })
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		if file.expected {
			d.log.Warn("a sample file that was to be deleted is missing", "err", err)
		}
	default:
		d.quarantine(file, err)
		return
	}
	d.unlinked = append(d.unlinked, file.name)
}

func (d *deletions) quarantine(file deletion, err error) {
	if !file.failed {
		d.log.Warn("cannot delete a sample file; will try again", "err", err)
	}
	file.failed = true
	d.quarantined = append(d.quarantined, file)
	_, now := d.clock.Now()
	d.retry = now + quarantineFor
}

// again is called when the directory could not be synchronized: what was
// unlinked may come back with a power cut, so it is unlinked once more.
func (d *deletions) again() {
	for _, name := range d.unlinked {
		d.pending = append(d.pending, deletion{name: name})
	}
	d.unlinked = nil
}
