// SPDX-License-Identifier: GPL-3.0-or-later

package check

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// Kind is what is wrong.
type Kind string

// The kinds of findings.
const (
	// Integrity: the database is damaged, says SQLite, or refers to what does not
	// exist.
	Integrity Kind = "integrity"
	// Mismatch: index and sample directory are not of the same time.
	Mismatch Kind = "mismatch"
	// Missing: a recording has no sample file (invariant 1).
	Missing Kind = "missing"
	// Damaged: a recording's row, video index and sample file do not agree
	// (invariant 1).
	Damaged Kind = "damaged"
	// Unreadable: the file system reports an error for a sample file.
	Unreadable Kind = "unreadable"
	// Orphan: a sample file is neither a recording's nor reserved (invariant 2).
	Orphan Kind = "orphan"
	// Reserved: a name is reserved although the store was shut down in order
	// (invariant 3), or is a recording's as well.
	Reserved Kind = "reserved"
	// Undeleted: recordings are there that a deletion says to have deleted.
	Undeleted Kind = "undeleted"
	// Overlap: recordings of one stream have the same times.
	Overlap Kind = "overlap"
	// Totals: a stream's totals are not those of its recordings.
	Totals Kind = "totals"
	// Events and Previews: a database of an optional room is damaged, of another store or has
	// what it should not have. Package check does not look for it; whoever knows the room does.
	Events   Kind = "events"
	Previews Kind = "previews"
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind Kind
	// Recording and Stream are 0, and File is the zero UUID, where the finding is
	// not about one. Dir is where File lies.
	Recording moonfirefs.RecordingID
	Stream    moonfirefs.StreamID
	Dir       moonfirefs.SampleDirID
	File      uuid.UUID
	// Text says what is wrong with which file or row; Remedy what can be done.
	Text, Remedy string
}

// String is the finding on one line.
func (f *Finding) String() string { return fmt.Sprintf("%s: %s (%s)", f.Kind, f.Text, f.Remedy) }

// The remedies. Commands are those of package main.
const (
	remedyRestore  = "restore a backup of the index, see docs/index-backup.md"
	remedyAccept   = "to go on with both as they are now: moonfirefs repair accept"
	remedyDelete   = "to delete them: moonfirefs delete, once more"
	remedyRecount  = "moonfirefs repair recount"
	remedyOverlap  = "nothing is lost: the mount shows one after the other; see docs/check.md"
	remedyNextRun  = "the next run of the recorder tries to delete it again; find out why it could not"
	remedyWritable = "once the disk is in order and mounted for writing, the next run of the recorder cleans up"
	remedyDisk     = "look at the disk; once it reads again, check again"
	remedyReserved = "to let go of its name: moonfirefs repair accept; check again afterwards"
)

func remedyDrop(id moonfirefs.RecordingID) string {
	return fmt.Sprintf("to forget it: moonfirefs repair drop-missing %d", id)
}

func remedyCorrupt(id moonfirefs.RecordingID) string {
	return fmt.Sprintf("to set it aside: moonfirefs repair move-corrupt %d", id)
}

func remedyOrphan(name uuid.UUID) string {
	return fmt.Sprintf("to set it aside: moonfirefs repair move-orphans %s", name)
}
