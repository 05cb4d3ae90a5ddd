// SPDX-License-Identifier: GPL-3.0-or-later

package status

import (
	"sync/atomic"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Report is how a recorder is doing. Its JSON is documented in docs/status.md.
type Report struct {
	// Time is when it was made; Since is when recording began, zero if nothing
	// records.
	Time  time.Time `json:"time"`
	Since time.Time `json:"since,omitzero"`
	// Store is the directory of the store.
	Store string `json:"store"`
	// TimeZoneName is that of the store.
	TimeZoneName string `json:"timeZoneName"`
	// Created is when the store was made.
	Created time.Time `json:"created"`
	// Problems is empty if all is well.
	Problems []Problem `json:"problems"`
	// Streams are by name of camera, main before sub.
	Streams     []Stream    `json:"streams"`
	Directories []Directory `json:"directories"`
	// Mountpoint is empty if no mount is wanted.
	Mountpoint string `json:"mountpoint,omitempty"`
	Mounted    bool   `json:"mounted"`
	// MountError says why it is not mounted; empty if it is.
	MountError string `json:"mountError,omitempty"`
	// IndexError says what is wrong with the index; empty if nothing is known.
	IndexError string `json:"indexError,omitempty"`
	// Backup is how the backup went that leaves its result in the store; nil if there is none.
	Backup *Backup `json:"backup,omitempty"`
}

// Backup is what a program that backs up the footage has left in the store.
type Backup struct {
	// Succeeded is when one did last, and Failed when one did since; zero if none has.
	Succeeded time.Time `json:"succeeded,omitzero"`
	Failed    time.Time `json:"failed,omitzero"`
	// Error is what the one that failed says.
	Error string `json:"error,omitempty"`
}

// Stream is how one stream is doing.
type Stream struct {
	Camera string                `json:"camera"`
	Stream moonfirefs.StreamKind `json:"stream"`
	Folder string                `json:"folder"`
	// Directory is the path of the sample directory that it records to.
	Directory string `json:"directory"`
	// Retired says that the camera is not to be recorded any more.
	Retired bool `json:"retired,omitempty"`
	// Live is nil if nothing records the stream.
	Live *Live `json:"live,omitempty"`
	// BitRate is in bits per second: that of the last minute, or, if nothing
	// records the stream, that of the newest recording.
	BitRate int64 `json:"bitRate"`

	RetainBytes int64 `json:"retainBytes"`
	// RetainSeconds is how old footage may become; 0 means that there is no limit.
	RetainSeconds   float64 `json:"retainSeconds,omitempty"`
	SampleFileBytes int64   `json:"sampleFileBytes"`
	// KeptBytes are those of SampleFileBytes that are kept.
	KeptBytes int64 `json:"keptBytes,omitempty"`
	// RetainEventsBytes is the part of RetainBytes in which footage with events outlives the
	// rest, EventsBytes what is in it.
	RetainEventsBytes int64 `json:"retainEventsBytes,omitempty"`
	EventsBytes       int64 `json:"eventsBytes,omitempty"`
	// RecordedSeconds is how much footage there is.
	RecordedSeconds float64 `json:"recordedSeconds"`
	// First and Last are when the footage begins and ends; zero if there is none.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// DaysKept is the time between them.
	DaysKept float64 `json:"daysKept"`
	// RetentionReached says that the quota is used up, or the footage as old as it may
	// become: each new recording deletes the oldest.
	RetentionReached bool `json:"retentionReached"`
	// DaysUntilFull is when that will be, or when the disk will be full if that is
	// sooner, as far as can be told; nil if it cannot, or if it is reached.
	DaysUntilFull *float64 `json:"daysUntilFull,omitempty"`
	// GapsToday are the times of a second or more since midnight, by the store's
	// clock, of which there is no footage, or one picture because those after it did not
	// come; the latter as long as the recorder runs.
	GapsToday Gaps `json:"gapsToday"`

	// Tier is where its footage moves; nil if it stays. RetainBytes is the quota of the
	// other footage then, and SampleFileBytes is both together.
	Tier *Tier `json:"tier,omitempty"`
}

// Tier is the next place of a stream's footage.
type Tier struct {
	// Directory is the path of its sample directory.
	Directory string `json:"directory"`
	// AfterSeconds is how old footage is when it moves.
	AfterSeconds float64 `json:"afterSeconds"`
	// RetainBytes is the quota there, SampleFileBytes what there is.
	RetainBytes     int64 `json:"retainBytes"`
	SampleFileBytes int64 `json:"sampleFileBytes"`

	// What follows only the process that records knows. Counters begin with it.

	// MovedRecordings and MovedBytes have moved; DamagedRecordings could not.
	MovedRecordings   int64 `json:"movedRecordings"`
	MovedBytes        int64 `json:"movedBytes"`
	DamagedRecordings int64 `json:"damagedRecordings"`
	// LateSeconds is for how long footage has been waiting to move.
	LateSeconds float64 `json:"lateSeconds"`
	// Error says why footage cannot move; empty if it can.
	Error string `json:"error,omitempty"`
}

// QuotaBytes is how much footage there may be, in all places together.
func (s *Stream) QuotaBytes() int64 {
	if s.Tier != nil {
		return s.RetainBytes + s.Tier.RetainBytes
	}
	return s.RetainBytes
}

// UnmovedBytes is the footage that has not moved to a tier.
func (s *Stream) UnmovedBytes() int64 {
	if s.Tier != nil {
		return s.SampleFileBytes - s.Tier.SampleFileBytes
	}
	return s.SampleFileBytes
}

// Live is what only the process that records knows of a stream. Counters begin
// with the recorder.
type Live struct {
	// ConnectedSince is zero while there is no connection, AwaySince while there is
	// one.
	ConnectedSince time.Time `json:"connectedSince,omitzero"`
	AwaySince      time.Time `json:"awaySince,omitzero"`
	// LastFrame is when the last frame arrived; zero if none has.
	LastFrame time.Time `json:"lastFrame,omitzero"`
	// DriftSeconds is how far this machine's clock was ahead of the camera's when
	// the newest recording began.
	DriftSeconds float64 `json:"driftSeconds"`
	Frames       int64   `json:"frames"`
	Bytes        int64   `json:"bytes"`
	// DroppedFrames arrived but are in no recording.
	DroppedFrames int64 `json:"droppedFrames"`
	// RestampedFrames had time stamps that made no sense.
	RestampedFrames int64 `json:"restampedFrames"`
	// LostPackets are RTP packets that did not come, by their sequence numbers, of
	// LostPackets and Packets in all; LossRatio is the share in the present connection.
	LostPackets int64   `json:"lostPackets"`
	Packets     int64   `json:"packets"`
	LossRatio   float64 `json:"lossRatio"`
	// DuplicatePackets came more than once; ForeignPackets are of another source or payload
	// type than those that were set up; Resyncs count how often what came was no packet.
	DuplicatePackets int64 `json:"duplicatePackets"`
	ForeignPackets   int64 `json:"foreignPackets"`
	Resyncs          int64 `json:"resyncs"`
	Connections      int64 `json:"connections"`
	Recordings       int64 `json:"recordings"`
	QueuedFrames     int   `json:"queuedFrames"`
	QueuedBytes      int64 `json:"queuedBytes"`
	// InterruptedSince is zero while frames get to the disk.
	InterruptedSince time.Time `json:"interruptedSince,omitzero"`
	CameraError      string    `json:"cameraError,omitempty"`
	DiskError        string    `json:"diskError,omitempty"`
}

// Gaps sums gaps up.
type Gaps struct {
	Count   int     `json:"count"`
	Seconds float64 `json:"seconds"`
}

// Directory is how a sample directory and its file system are doing.
type Directory struct {
	Path string `json:"path"`
	// Remote says that it is no directory of this machine: it has as much room as is wanted.
	Remote bool `json:"remote,omitempty"`
	// ObjectStore is what was asked of the object store of a directory in a bucket; nil of
	// others.
	ObjectStore *ObjectStore `json:"objectStore,omitempty"`
	// Missing says that it is not open: its disk is not there, or does not answer.
	Missing bool `json:"missing,omitempty"`
	// SilentSince is when it was asked something that it has not answered yet;
	// zero if it answers.
	SilentSince time.Time `json:"silentSince,omitzero"`
	// SizeBytes and AvailableBytes are those of the file system.
	SizeBytes      int64 `json:"sizeBytes"`
	AvailableBytes int64 `json:"availableBytes"`
	// QuotaBytes are those of the streams that record to it, UsedBytes is what
	// they use of them.
	QuotaBytes int64 `json:"quotaBytes"`
	UsedBytes  int64 `json:"usedBytes"`
	// DaysUntilFull is when the file system will be full, if that is before the
	// quotas are; nil otherwise.
	DaysUntilFull *float64 `json:"daysUntilFull,omitempty"`

	// What follows only the process that records knows.

	Full                  bool  `json:"full"`
	NoInodes              bool  `json:"noInodes,omitempty"`
	UncommittedRecordings int   `json:"unsavedRecordings"`
	QuarantinedFiles      int   `json:"quarantinedFiles"`
	Commits               int64 `json:"saves"`
	FailedCommits         int64 `json:"failedSaves"`
	// CommittingSeconds is how long the save or the checkpoint under way has taken so far.
	CommittingSeconds float64 `json:"savingSeconds"`
	CommitError       string  `json:"saveError,omitempty"`
	JournalError      string  `json:"journalError,omitempty"`
}

// ObjectStore is what was asked of an object store. Counters begin with the recorder.
type ObjectStore struct {
	Requests       int64 `json:"requests"`
	FailedRequests int64 `json:"failedRequests"`
	ReceivedBytes  int64 `json:"receivedBytes"`
	SentBytes      int64 `json:"sentBytes"`
	// CacheHits are reads that needed no answer of the object store, CacheMisses those that
	// waited for one.
	CacheHits   int64 `json:"cacheHits"`
	CacheMisses int64 `json:"cacheMisses"`
	// Fetches of one block or several at once, also of those that nobody has waited for, took FetchSeconds together.
	Fetches      int64   `json:"fetches"`
	FetchSeconds float64 `json:"fetchSeconds"`
	// CacheBytes is what the cache on a disk takes, of all buckets together.
	CacheBytes int64 `json:"cacheBytes"`
}

// lastZone is the one that was asked for last. Each is a file to read, and a recorder makes
// a report of the same store every two seconds.
var lastZone atomic.Pointer[time.Location]

// Zone is the time zone of the store, or UTC where this machine does not know it.
func (r *Report) Zone() *time.Location {
	if last := lastZone.Load(); last != nil && last.String() == r.TimeZoneName {
		return last
	}
	zone, err := time.LoadLocation(r.TimeZoneName)
	if err != nil {
		return time.UTC
	}
	lastZone.Store(zone)
	return zone
}

// BytesPerSecond is how much a second of footage has on average.
func (s *Stream) BytesPerSecond() float64 {
	if s.RecordedSeconds <= 0 {
		return float64(s.BitRate) / 8
	}
	return float64(s.SampleFileBytes) / s.RecordedSeconds
}
