// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

// UnkeptShare is the part of a quota, one in so many, that footage which is not
// kept may always use, however much is kept.
const UnkeptShare = 10

// Kept is an interval of a stream that retention spares, and that the mount shows
// under a name of its own.
type Kept struct {
	ID     KeptID
	Stream StreamID
	// Name is that of the file, without its extension; see CheckKeptName.
	Name string
	// The interval is [Start90k, End90k): every recording that overlaps it stays.
	Start90k, End90k Time90k
	// Since90k is when somebody asked for it.
	Since90k Time90k
}

// Interval is what is kept.
func (k *Kept) Interval() Interval { return Interval{k.Start90k, k.End90k} }

// Deletion is an interval of footage that somebody has asked to delete, and what
// became of it.
type Deletion struct {
	ID     DeletionID
	Stream StreamID
	// Folder was the name of the stream's folder.
	Folder string
	// The recordings that overlap [Start90k, End90k) go, up to LastRecording: those
	// that were committed when it was asked for. Kept ones stay.
	Start90k, End90k Time90k
	LastRecording    RecordingID
	Requested90k     Time90k
	// RequestedBy names the user of the machine.
	RequestedBy string
	// Done90k is 0 until it has been carried out.
	Done90k Time90k
	// Recordings and SampleFileBytes are what has been deleted so far.
	Recordings, SampleFileBytes int64
}

// Interval is what is to be deleted; of all time, from MinTime90k to MaxTime90k.
func (d *Deletion) Interval() Interval { return Interval{d.Start90k, d.End90k} }
