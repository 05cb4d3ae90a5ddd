// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/sample"
)

func now90k() moonfirefs.Time90k { return moonfirefs.FromTime(time.Now()) }

// cameraPlan is a camera of theirs in our store.
type cameraPlan struct {
	// before is the camera as it is there; nil if there is none. After is what it becomes.
	before *moonfirefs.Camera
	after  moonfirefs.Camera
}

// changed tells whether the camera or a stream of it is to be made.
func (c *cameraPlan) changed() bool {
	return c.before == nil || len(c.before.Streams) != len(c.after.Streams)
}

// stream is one of the camera's.
func (c *cameraPlan) stream(kind moonfirefs.StreamKind) *moonfirefs.Stream {
	i := slices.IndexFunc(c.after.Streams, func(s moonfirefs.Stream) bool { return s.Kind == kind })
	return &c.after.Streams[i]
}

// streamPlan is a stream of theirs, and what is to be taken over of it.
type streamPlan struct {
	camera *cameraPlan
	theirs *stream
	// kind is the one that it has here.
	kind moonfirefs.StreamKind
	// dir is where its footage goes; link says that files are linked.
	dir  moonfirefs.SampleDirID
	link bool
	// last is the last recording of theirs that was taken over before.
	last moonfirefs.RecordingID
	// recordings and sizeBytes are what comes after it.
	recordings, sizeBytes int64
	report                StreamReport
}

// ready tells whether there is something to take over that can be.
func (p *streamPlan) ready() bool { return !p.report.Away && p.report.Own == 0 }

// nothingNew tells whether all is there that is to be taken over.
func nothingNew(plans []*streamPlan) bool {
	return !slices.ContainsFunc(plans, func(p *streamPlan) bool { return p.report.New || p.ready() && p.recordings > 0 })
}

// plan finds out what there is to take over, and where it goes.
func (i *importer) plan(ctx context.Context) (all []*streamPlan, err error) {
	dirs, err := i.source.dirs(ctx, i.leaveOut)
	if err != nil {
		return nil, err
	}
	i.attach(dirs)
	theirs, err := i.source.cameras(ctx, i.leaveOut)
	if err != nil {
		return nil, err
	}
	streams := make(map[moonfirefs.StreamID]*stream)
	credentials := make(map[moonfirefs.CameraID]*camera)
	for n := range theirs {
		credentials[theirs[n].id] = &theirs[n]
		for j := range theirs[n].streams {
			st := &theirs[n].streams[j]
			if !slices.ContainsFunc(dirs, func(d index.SampleDir) bool { return d.ID == st.dir }) {
				st.dir = 0
			}
			streams[st.id] = st
		}
	}
	known, names, err := i.knownCameras(ctx)
	if err != nil {
		return nil, err
	}
	// One that was taken over before keeps the name that it has here.
	for _, c := range ours(theirs, names) {
		setCredentials(&c, credentials[c.ID%extCamera], streams)
		plans, err := i.planCamera(ctx, c, known[c.UUID], streams)
		if err != nil {
			return nil, err
		}
		all = append(all, plans...)
	}
	return all, i.requireRoom(all)
}

// attach opens their sample directories, as far as they are there.
func (i *importer) attach(dirs []index.SampleDir) {
	for _, d := range dirs {
		dir := sample.NewForeign(d.Path, layoutOf(dirMeta{i.uuid, d.UUID}))
		if err := dir.Attach(); err != nil {
			i.log.Error("a sample directory of Moonfire NVR is not available; its footage is left for later", "err", errors.Join(err, dir.Close()))
			continue
		}
		i.theirs[d.ID] = dir
	}
}

// knownCameras are the cameras of our store by UUID, and the names that they have.
func (i *importer) knownCameras(ctx context.Context) (known map[uuid.UUID]*moonfirefs.Camera, names nameSet, err error) {
	cameras, err := i.Into.DB.Cameras(ctx)
	if err != nil {
		return nil, nil, err
	}
	known, names = make(map[uuid.UUID]*moonfirefs.Camera), make(nameSet)
	for n := range cameras {
		known[cameras[n].UUID] = &cameras[n]
		names[strings.ToLower(cameras[n].ShortName)] = true
	}
	return known, names, nil
}

// setCredentials takes over from a camera of theirs what a recorder needs. What cannot be recorded from
// keeps an address of nothing.
func setCredentials(c *moonfirefs.Camera, from *camera, streams map[moonfirefs.StreamID]*stream) {
	c.Retired = true
	c.Username, c.Password = from.username, from.password
	for i := range c.Streams {
		s := &c.Streams[i]
		u, err := url.Parse(streams[s.ID].url)
		if err != nil || moonfirefs.URLProblem(u) != "" {
			s.URL = unknownURL
			continue
		}
		if u.User != nil && c.Username == "" {
			c.Username = u.User.Username()
			c.Password, _ = u.User.Password()
		}
	}
}

// unknownURL stands for an address that cannot be one (RFC 6761 §6.4).
const unknownURL = "rtsp://unknown.invalid/"

// planCamera plans the streams of a camera, whose ids and directories are theirs. known is the
// camera in our store, or nil.
func (i *importer) planCamera(ctx context.Context, c moonfirefs.Camera, known *moonfirefs.Camera, streams map[moonfirefs.StreamID]*stream) (plans []*streamPlan, err error) {
	camera := &cameraPlan{before: known, after: c}
	camera.after.ID, camera.after.Streams = 0, nil
	if known != nil {
		camera.after = *known
		camera.after.Streams = slices.Clone(known.Streams)
	}
	for _, s := range c.Streams {
		p := &streamPlan{camera: camera, theirs: streams[s.ID], kind: s.Kind}
		if err := i.planStream(ctx, p, &s); err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// planStream plans a stream, and adds it to its camera if it is new.
func (i *importer) planStream(ctx context.Context, p *streamPlan, s *moonfirefs.Stream) (err error) {
	at := slices.IndexFunc(p.camera.after.Streams, func(known moonfirefs.Stream) bool { return known.Kind == s.Kind })
	p.report = StreamReport{Folder: s.FolderName(&p.camera.after), New: at < 0, TheirRetainBytes: s.RetainBytes}
	if err := i.findLast(ctx, p); err != nil {
		return err
	}
	if p.recordings, p.sizeBytes, err = i.source.volume(ctx, p.theirs.id, p.last); err != nil {
		return err
	}
	if at < 0 {
		fresh := *s
		fresh.ID = 0
		// Or retention would delete at once what was taken over.
		fresh.RetainBytes = max(fresh.RetainBytes, p.sizeBytes)
		p.camera.after.Streams = append(p.camera.after.Streams, fresh)
		at = len(p.camera.after.Streams) - 1
	}
	there := &p.camera.after.Streams[at]
	p.report.RetainBytes, p.report.TotalBytes = there.RetainBytes, there.SampleFileBytes
	p.report.Away = i.theirs[p.theirs.dir] == nil
	if err := i.chooseDir(p, there); err != nil || there.ID == 0 {
		return err
	}
	// Our own recordings come last, in the order in which retention takes them.
	newest, ok, err := i.Into.DB.NewestSampleFile(ctx, there.ID)
	if ok && newest.UUID.Version() != nameVersion {
		p.report.Own = int(p.recordings)
	}
	if i.DryRun && p.ready() {
		p.report.Recordings, p.report.SizeBytes = int(p.recordings), p.sizeBytes
	}
	return err
}

// findLast finds out how far the stream was taken over before.
func (i *importer) findLast(ctx context.Context, p *streamPlan) error {
	before, err := i.Into.DB.ImportedStream(ctx, i.uuid, int64(p.theirs.id))
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil
	}
	p.last = moonfirefs.RecordingID(before.Last)
	return err
}

// chooseDir chooses the sample directory for the footage of a stream, and, for a new stream,
// where it is recorded to: a directory on the disk that the footage is on already, so that
// files can be linked.
func (i *importer) chooseDir(p *streamPlan, s *moonfirefs.Stream) error {
	from := i.theirs[p.theirs.dir]
	var ids []moonfirefs.SampleDirID
	for id, dir := range i.Into.Dirs {
		if dir.Available() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if s.ID != 0 && slices.Contains(ids, s.SampleDir) {
		ids = slices.Insert(ids, 0, s.SampleDir)
	}
	if len(ids) == 0 {
		return sample.ErrUnavailable
	}
	p.dir = ids[0]
	for _, id := range ids {
		if from != nil && i.Into.Dirs[id].Linkable(from) {
			p.dir, p.link = id, true
			break
		}
	}
	if s.ID == 0 {
		s.SampleDir = p.dir
	}
	if from != nil && !p.link && !i.Copy && p.recordings > 0 {
		return fmt.Errorf("%s: no sample directory of the store is on the disk of %s: add one that is (moonfirefs dir add), or have the files copied (--copy): %w",
			p.report.Folder, from.Path(), sample.ErrNoLink)
	}
	return nil
}

// spareBytes are left on a disk that is copied to: a recorder needs them.
const spareBytes = 64 << 20

// requireRoom refuses copies for which there is no room.
func (i *importer) requireRoom(plans []*streamPlan) error {
	need := make(map[moonfirefs.SampleDirID]int64)
	for _, p := range plans {
		if p.ready() && !p.link {
			need[p.dir] += p.sizeBytes
		}
	}
	for id, sizeBytes := range need {
		space, err := i.Into.Dirs[id].Space()
		if err != nil {
			return err
		}
		if free := space.AvailableBytes() - spareBytes; sizeBytes > max(0, free) {
			return moonfirefs.Errorf(moonfirefs.ErrNoSpace, "copy to %s: it takes %d MB, and %d MB are free",
				i.Into.Dirs[id].Path(), sizeBytes/1_000_000, max(0, free)/1_000_000)
		}
	}
	return nil
}
