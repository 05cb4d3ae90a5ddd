// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"aead.dev/minisign"
	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/proof"
)

const (
	// lookEvery is how often it looks for new recordings, which takes microseconds.
	lookEvery = 5 * time.Second
	// syncEvery is how often leaves are made durable: those that a crash costs are made
	// again.
	syncEvery = 10 * time.Minute
	// defaultGrace is how long after its end a date is signed: the recordings that began
	// before midnight are committed by then.
	defaultGrace = 15 * time.Minute
	// batchRecordings is how many rows are read at a time, with their indexes.
	batchRecordings = 32
)

// Options say what a Notary works on.
type Options struct {
	// StorePath is the directory of the store, and Store the open store. It must stay open
	// until Close has returned.
	StorePath string
	Store     *store.Store
	// TimeStampURL is that of an authority for time stamps (RFC 3161 by HTTP); empty for
	// none.
	TimeStampURL string
	Logger       *slog.Logger

	// Now is the clock, and Grace how long after the end of a date it is signed; zero
	// values mean the real ones. For tests.
	Now   func() time.Time
	Grace time.Duration
}

// Notary makes leaves and statements. One process has one at a time, the one that
// records. Its methods are called by one goroutine.
type Notary struct {
	Options
	folder   Folder
	key      minisign.PrivateKey
	calendar civil.Calendar

	state *state
	// reached is like state.After, and not durable.
	reached map[moonfirefs.SampleDirID]moonfirefs.RecordingID
	version int64
	synced  time.Time
	// days are those with leaves that are in no statement.
	days map[string]*day

	cancel context.CancelFunc
	done   sync.WaitGroup
	failed string
}

// day is the leaves of a date.
type day struct{ streams map[streamKey]*leafFile }

// Open returns a Notary of a store whose folder exists. Nothing is done before Start or
// Round.
func Open(ctx context.Context, o Options) (*Notary, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	n := &Notary{Options: o, folder: FolderOf(o.StorePath), calendar: civil.Calendar{Zone: o.Store.Zone}, version: -1, days: make(map[string]*day)}
	var err error
	if n.key, err = n.folder.secret(); err != nil {
		return nil, err
	}
	if n.state, err = n.folder.readState(); err != nil {
		return nil, fmt.Errorf("open notary: %w", err)
	}
	last, err := LastRecording(ctx, o.Store.DB)
	if err != nil {
		return nil, fmt.Errorf("open notary: %w", err)
	}
	n.state.restored(last)
	n.reached, n.synced = make(map[moonfirefs.SampleDirID]moonfirefs.RecordingID), o.Now()
	maps.Copy(n.reached, n.state.After)
	return n, nil
}

// Start has it work beside the recorder until Close.
func (n *Notary) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	n.done.Go(func() {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for {
			n.tell(n.Round(ctx))
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
}

// tell logs a failure once.
func (n *Notary) tell(err error) {
	text := ""
	if err != nil && !errors.Is(err, context.Canceled) {
		text = err.Error()
	}
	if text != "" && text != n.failed {
		n.Logger.Error("cannot make proofs; will try again", "err", err)
	}
	n.failed = text
}

// Close makes what it has durable. It is idempotent.
func (n *Notary) Close() error {
	if n.cancel != nil {
		n.cancel()
		n.done.Wait()
	}
	err := n.sync()
	for _, d := range n.days {
		for _, l := range d.streams {
			err = errors.Join(err, l.file.Close())
		}
	}
	n.days = make(map[string]*day)
	return err
}

// Round makes the leaves of all new recordings, and signs the dates that are over.
func (n *Notary) Round(ctx context.Context) error {
	version, err := n.Store.DB.Version(ctx)
	if err != nil {
		return err
	}
	if version != n.version {
		if err := n.follow(ctx); err != nil {
			return err
		}
		n.version = version
	}
	if n.Now().Sub(n.synced) >= syncEvery {
		if err := n.sync(); err != nil {
			return err
		}
	}
	return n.signDue(ctx)
}

// sync makes leaves durable, then how far they reach.
func (n *Notary) sync() error {
	dates := make([]string, 0, len(n.days))
	for date, d := range n.days {
		dates = append(dates, date)
		for _, l := range d.streams {
			if err := l.sync(); err != nil {
				return fmt.Errorf("sync leaves: %w", err)
			}
		}
	}
	for _, date := range n.state.Unsigned { // not looked at yet
		if !slices.Contains(dates, date) {
			dates = append(dates, date)
		}
	}
	slices.Sort(dates)
	n.synced = n.Now()
	if maps.Equal(n.state.After, n.reached) && slices.Equal(dates, n.state.Unsigned) {
		return nil
	}
	next := &state{First: n.state.First, After: maps.Clone(n.reached), Unsigned: dates}
	if err := n.folder.writeState(next); err != nil {
		return fmt.Errorf("sync leaves: %w", err)
	}
	n.state = next
	return nil
}

// follow makes the leaves of recordings that were committed since.
func (n *Notary) follow(ctx context.Context) error {
	cameras, err := n.Store.DB.Cameras(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for id := range n.Store.Dirs {
		errs = append(errs, n.followDir(ctx, id, cameras)) // one may be missing
	}
	return errors.Join(errs...)
}

func (n *Notary) followDir(ctx context.Context, dir moonfirefs.SampleDirID, cameras []moonfirefs.Camera) error {
	for {
		rows, err := n.Store.DB.Recordings(ctx, dir, max(n.state.First, n.reached[dir]), batchRecordings, true)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := n.record(ctx, &rows[i], cameras); err != nil {
				return fmt.Errorf("recording %d: %w", rows[i].ID, err)
			}
			n.reached[dir] = rows[i].ID
		}
	}
}

// record makes the leaf of a recording. One that is damaged, or gone, has none.
func (n *Notary) record(ctx context.Context, r *moonfirefs.Recording, cameras []moonfirefs.Camera) error {
	camera, kind, ok := cameraOf(r.Stream, cameras)
	if !ok || !r.HasSHA256() {
		return nil
	}
	date := n.calendar.HourAt(r.Start90k).Date.String()
	leaves, err := n.leaves(date, streamKey{camera.UUID, kind})
	if err != nil {
		return err
	}
	if _, known := leaves.leaves[r.SampleFile]; known {
		return nil
	}
	groups, err := n.digestGroups(ctx, r)
	if err != nil {
		return n.passOver(ctx, r, err)
	}
	video, err := n.Store.DB.VideoSampleEntry(ctx, r.VideoSampleEntry)
	if err != nil {
		return err
	}
	var audio *moonfirefs.AudioSampleEntry
	if r.Audio.Samples > 0 {
		if audio, err = n.Store.DB.AudioSampleEntry(ctx, r.Audio.SampleEntry); err != nil {
			return err
		}
	}
	leaf := proof.NewLeaf(n.Store.DB.Meta().Store, camera, kind, r, video, audio, groups)
	return leaves.add(&leafRecord{SampleFile: r.SampleFile, Leaf: leaf, Groups: groups.Bytes()})
}

// passOver decides about a recording whose file cannot be read: it may be gone. Where the
// whole disk is missing, it is tried again.
func (n *Notary) passOver(ctx context.Context, r *moonfirefs.Recording, cause error) error {
	has, err := n.Store.DB.HasRecording(ctx, r.ID)
	switch {
	case err != nil:
		return err
	case !has:
		return nil
	case n.Store.Dirs[r.SampleDir] == nil || !n.Store.Dirs[r.SampleDir].Available():
		return cause
	}
	n.Logger.Error("a recording gets no proof", "recording", r.ID, "err", cause)
	return nil
}

func cameraOf(stream moonfirefs.StreamID, cameras []moonfirefs.Camera) (*moonfirefs.Camera, moonfirefs.StreamKind, bool) {
	for i := range cameras {
		for k := range cameras[i].Streams {
			if s := &cameras[i].Streams[k]; s.ID == stream {
				return &cameras[i], s.Kind, true
			}
		}
	}
	return nil, "", false
}

// leaves is the file of leaves of a date and a stream, which is open until the date is
// signed.
func (n *Notary) leaves(date string, key streamKey) (*leafFile, error) {
	d := n.days[date]
	if d == nil {
		d = &day{make(map[streamKey]*leafFile)}
		n.days[date] = d
	}
	if d.streams[key] == nil {
		opened, err := n.folder.openLeaves(date, key)
		if err != nil {
			return nil, err
		}
		d.streams[key] = opened
	}
	return d.streams[key], nil
}

// digestGroups is digestGroups, also if the recording moves to another directory meanwhile.
func (n *Notary) digestGroups(ctx context.Context, r *moonfirefs.Recording) (*proof.Groups, error) {
	groups, err := digestGroups(n.Store, r)
	if err == nil {
		return groups, nil
	}
	now, lookErr := n.Store.DB.Recording(ctx, r.ID)
	if lookErr != nil || now.SampleDir == r.SampleDir {
		return nil, err
	}
	return digestGroups(n.Store, now)
}

// digestGroups reads the sample file of a recording, once, and requires that it is what the
// recorder wrote.
func digestGroups(s *store.Store, r *moonfirefs.Recording) (*proof.Groups, error) {
	dir := s.Dirs[r.SampleDir]
	if dir == nil {
		return nil, moonfirefs.Errorf(moonfirefs.ErrNotFound, "sample directory %d is not open", r.SampleDir)
	}
	file, err := dir.Open(r.SampleFile, r.SampleFileBytes)
	if err != nil {
		return nil, err
	}
	defer file.Release()
	whole := sha256.New()
	groups, err := proof.DigestGroups(r, io.TeeReader(&contents{readAt: file.ReadAt, left: r.SampleFileBytes}, whole))
	if err == nil && [sha256.Size]byte(whole.Sum(nil)) != r.SampleFileSHA256 {
		err = fmt.Errorf("the contents of its sample file differ from their SHA-256: %w", moonfirefs.ErrCorrupt)
	}
	return groups, err
}

// contents reads a sample file from its beginning to its end, each time as much as is asked
// for.
type contents struct {
	readAt func(p []byte, offset int64) error
	offset int64
	left   int64
}

// Read implements io.Reader.
func (c *contents) Read(p []byte) (int, error) {
	n := int(min(int64(len(p)), c.left))
	if n == 0 {
		return 0, io.EOF
	}
	if err := c.readAt(p[:n], c.offset); err != nil {
		return 0, err
	}
	c.offset, c.left = c.offset+int64(n), c.left-int64(n)
	return n, nil
}

// storeID is what leaves are of.
func (n *Notary) storeID() uuid.UUID { return n.Store.DB.Meta().Store }
