// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/recorder"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Collector makes reports. It is safe for concurrent use.
type Collector struct {
	store *store.Store
	// recorder is nil if nothing in this process records.
	recorder *recorder.Recorder
	since    time.Time
	mount    mountpoint

	mu     sync.Mutex // held while a report is made; guards what follows
	ledger *ledger
	probes map[moonfirefs.SampleDirID]*probe
	rates  map[moonfirefs.StreamID]*rate
	index  indexProbe
	// recorded is what the index said at readAt.
	recorded recorded
	readAt   time.Time
}

// recorded is what the index knows.
type recorded struct {
	streams []status.Stream
	// ids and dirs are of streams, in parallel.
	ids   []moonfirefs.StreamID
	dirs  []places
	paths map[moonfirefs.SampleDirID]string
	// order is that of paths.
	order  []moonfirefs.SampleDirID
	backup *status.Backup
}

// mountpoint is where the footage should be mounted; an empty path if nowhere.
type mountpoint struct {
	path  string
	mount Mount
}

// state tells whether it is mounted, and if not, why.
func (m *mountpoint) state() (mounted bool, why string) {
	switch err := m.mount.Err(); {
	case err != nil:
		return false, err.Error()
	case !m.mount.Alive(stuckAfter):
		return false, "it is stuck"
	}
	return true, ""
}

// NewCollector returns a Collector of a store that nothing records, as far as this
// process knows.
func NewCollector(s *store.Store) *Collector {
	return &Collector{
		store: s, ledger: newLedger(s.DB, s.Zone), index: indexProbe{db: s.DB},
		probes: make(map[moonfirefs.SampleDirID]*probe), rates: make(map[moonfirefs.StreamID]*rate),
	}
}

// Report makes a report, with what the index knows no older than maxAge.
func (c *Collector) Report(ctx context.Context, maxAge time.Duration) (*status.Report, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	indexErr := c.index.look()
	if c.readAt.IsZero() || now.Sub(c.readAt) >= maxAge {
		// What was known before is told on if the index cannot be read.
		err := c.readIndex(ctx, now)
		if err != nil && (c.recorded.paths == nil || ctx.Err() != nil) {
			return nil, fmt.Errorf("report the status: %w", err)
		}
		if err == nil {
			c.readAt = now
		} else if indexErr == nil {
			indexErr = err
		}
	}
	meta := c.store.DB.Meta()
	r := &status.Report{
		Time: jsonTime(now), Since: jsonTime(c.since), Store: c.store.Path(), TimeZoneName: meta.TimeZone, Created: jsonTime(meta.Created90k.Time()),
		Streams: c.streams(now), Directories: c.directories(now), Mountpoint: c.mount.path,
		Backup: c.recorded.backup,
	}
	if indexErr != nil {
		r.IndexError = indexErr.Error()
	}
	if c.mount.path != "" {
		r.Mounted, r.MountError = c.mount.state()
	}
	forecast(r)
	r.Problems = status.Find(r)
	return r, nil
}

// Reread has the next report tell what the index knows by then: somebody has changed the
// configuration.
func (c *Collector) Reread() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readAt = time.Time{}
}

func (c *Collector) readIndex(ctx context.Context, now time.Time) (err error) {
	r := recorded{paths: make(map[moonfirefs.SampleDirID]string)}
	if r.streams, r.ids, r.dirs, err = c.ledger.streams(ctx, now); err != nil {
		return err
	}
	dirs, err := c.store.DB.SampleDirs(ctx)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		r.paths[d.ID] = d.Path
		r.order = append(r.order, d.ID)
	}
	r.backup = readBackup(c.store.Path())
	c.recorded = r
	return nil
}

// streams adds what the recorder knows to what the index knows.
func (c *Collector) streams(now time.Time) []status.Stream {
	live := make(map[moonfirefs.StreamID]recorder.StreamStatus)
	if c.recorder != nil {
		for _, s := range c.recorder.Status() {
			live[s.ID] = s
		}
	}
	moves := c.moves()
	streams := make([]status.Stream, len(c.recorded.streams))
	for i := range streams {
		s := c.recorded.streams[i]
		s.Directory = c.path(c.recorded.dirs[i].first)
		if s.Tier != nil {
			s.Tier = c.tier(s.Tier, c.recorded.ids[i], c.recorded.dirs[i].tier, moves)
		}
		s.First, s.Last = jsonTime(s.First), jsonTime(s.Last)
		if l, ok := live[c.recorded.ids[i]]; ok {
			s.Live = liveOf(&l)
			s.BitRate = c.bitRate(now, &l)
			c.heldPictures(now, &s, l.Held)
			c.openGap(now, &s)
		}
		streams[i] = s
	}
	return streams
}

// moves is how moving is going, by stream.
func (c *Collector) moves() map[moonfirefs.StreamID]recorder.TierStatus {
	moves := make(map[moonfirefs.StreamID]recorder.TierStatus)
	if c.recorder != nil {
		for _, s := range c.recorder.TierStatus() {
			moves[s.Stream] = s
		}
	}
	return moves
}

// tier adds what the recorder knows to what the index knows of a tier.
func (c *Collector) tier(known *status.Tier, id moonfirefs.StreamID, dir moonfirefs.SampleDirID, moves map[moonfirefs.StreamID]recorder.TierStatus) *status.Tier {
	t, m := *known, moves[id]
	t.Directory = c.path(dir)
	t.MovedRecordings, t.MovedBytes, t.DamagedRecordings = m.Recordings, m.Bytes, m.Damaged
	t.LateSeconds, t.Error = m.LateBy.Seconds(), m.Error
	return &t
}

// path is that of a sample directory: the one at which it is open, if it is.
func (c *Collector) path(id moonfirefs.SampleDirID) string {
	if dir := c.store.Dirs[id]; dir != nil && !dir.Spare() {
		return dir.Path()
	}
	return c.recorded.paths[id]
}

func liveOf(s *recorder.StreamStatus) *status.Live {
	return &status.Live{
		ConnectedSince: jsonTime(s.ConnectedSince), AwaySince: jsonTime(s.AwaySince), LastFrame: jsonTime(s.LastFrame),
		DriftSeconds: s.Drift.Seconds(), Frames: s.Frames, Bytes: s.Bytes, DroppedFrames: s.Dropped,
		Connections: s.Connections, Recordings: s.Recordings, QueuedFrames: s.QueuedFrames, QueuedBytes: s.QueuedBytes,
		RestampedFrames: s.Restamped, Packets: s.Packets.Packets, LostPackets: s.Packets.Lost, LossRatio: s.LossNow,
		DuplicatePackets: s.Packets.Duplicates, ForeignPackets: s.Packets.Foreign, Resyncs: s.Packets.Resyncs,
		InterruptedSince: jsonTime(s.InterruptedSince), CameraError: s.CameraError, DiskError: s.DiskError,
	}
}

func (c *Collector) bitRate(now time.Time, s *recorder.StreamStatus) int64 {
	r := c.rates[s.ID]
	if r == nil {
		r = &rate{}
		c.rates[s.ID] = r
		r.add(c.since, 0) // when the counters began
	}
	r.add(now, s.Bytes)
	return r.bitsPerSecond()
}

// midnight is when the day began, by the store's clock.
func (c *Collector) midnight(now time.Time) time.Time {
	year, month, day := now.In(c.store.Zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, c.store.Zone)
}

// heldPictures counts as gaps the times for which a picture is held because those after it
// did not come.
func (c *Collector) heldPictures(now time.Time, s *status.Stream, held []recorder.HeldPicture) {
	midnight := c.midnight(now)
	for _, h := range held {
		if !h.Start.Before(midnight) {
			s.GapsToday.Count++
			s.GapsToday.Seconds += h.Lasts.Seconds()
		}
	}
}

// openGap counts the gap that is not over yet: no frame has come for a while.
func (c *Collector) openGap(now time.Time, s *status.Stream) {
	last := s.Last
	if s.Live.LastFrame.After(last) {
		last = s.Live.LastFrame
	}
	if last.IsZero() || now.Sub(last) < openGapAfter || now.Sub(s.Live.LastFrame) < openGapAfter {
		return // there is nothing to continue, or frames come that are not committed yet
	}
	if midnight := c.midnight(now); last.Before(midnight) {
		last = midnight
	}
	s.GapsToday.Count++
	s.GapsToday.Seconds += now.Sub(last).Seconds()
}

// openGapAfter is longer than a frame may last.
const openGapAfter = 15 * time.Second

func (c *Collector) directories(now time.Time) []status.Directory {
	live := make(map[moonfirefs.SampleDirID]recorder.DirStatus)
	if c.recorder != nil {
		for _, d := range c.recorder.DirStatus() {
			live[d.ID] = d
		}
	}
	directories := make([]status.Directory, 0, len(c.recorded.order))
	for _, id := range c.recorded.order {
		if dir := c.store.Dirs[id]; dir == nil || dir.Spare() {
			continue // added since
		}
		d := status.Directory{Path: c.path(id), Remote: c.store.Dirs[id].Remote()}
		c.look(now, id, &d)
		d.ObjectStore = objectStore(c.store.Dirs[id])
		l := live[id]
		d.Full, d.NoInodes, d.UncommittedRecordings, d.QuarantinedFiles = l.Full, l.NoInodes, l.Waiting, l.Quarantined
		d.Commits, d.FailedCommits, d.CommittingSeconds = l.Commits, l.FailedCommits, l.BusyFor.Seconds()
		d.CommitError, d.JournalError = l.CommitError, l.JournalError
		directories = append(directories, d)
	}
	return directories
}

// objectStore returns nil of a directory on a disk.
func objectStore(dir *sample.Dir) *status.ObjectStore {
	counted := dir.RemoteCounters()
	if counted == nil {
		return nil
	}
	fetches := counted.Fetches.Snapshot()
	return &status.ObjectStore{
		Requests: counted.Requests.Load(), FailedRequests: counted.FailedRequests.Load(),
		ReceivedBytes: counted.ReceivedBytes.Load(), SentBytes: counted.SentBytes.Load(),
		CacheHits: counted.Hits.Load(), CacheMisses: counted.Misses.Load(),
		Fetches: int64(fetches.Count), FetchSeconds: fetches.Sum.Seconds(), CacheBytes: dir.CacheBytes(),
	}
}

// look asks the disk.
func (c *Collector) look(now time.Time, id moonfirefs.SampleDirID, d *status.Directory) {
	if c.probes[id] == nil {
		c.probes[id] = &probe{dir: c.store.Dirs[id]}
	}
	space, silentSince, err := c.probes[id].look(now)
	d.SilentSince = jsonTime(silentSince)
	d.Missing = err != nil
	if err == nil && !space.Unbounded {
		d.SizeBytes, d.AvailableBytes = int64(space.Blocks)*space.BlockSizeBytes, space.AvailableBytes()
	}
}

// jsonTime is t as a Report has it: in UTC, and whole milliseconds.
func jsonTime(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}
