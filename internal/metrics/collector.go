// SPDX-License-Identifier: GPL-3.0-or-later

package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/histogram"
	"github.com/moonfirefs/moonfirefs/internal/printable"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Sources are what is counted.
type Sources struct {
	// Report makes a report; what it knows from the index may be as old as that.
	Report func(context.Context, time.Duration) (*status.Report, error)
	DB     *index.DB
	Dirs   map[moonfirefs.SampleDirID]*sample.Dir
	// Mount returns nil while nothing is mounted.
	Mount func() *fs.Mount
	// Version is that of the program.
	Version string
}

// indexAge is how old what a report says of the index may be.
const indexAge = time.Minute

// reportTimeout bounds how long a report may take.
const reportTimeout = 10 * time.Second

// collector turns the counters into metrics, when somebody asks for them.
type collector struct{ *Sources }

// Describe says nothing: which cameras there are is not known in advance.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := sink{out}
	s.gauge("build_info", "The program's version, as a label.", 1, labels{"version": c.Version})
	ctx, cancel := context.WithTimeout(context.Background(), reportTimeout)
	defer cancel()
	if r, err := c.Report(ctx, indexAge); err != nil {
		out <- prometheus.NewInvalidMetric(prometheus.NewDesc("moonfirefs_problems", "", nil, nil), err)
	} else {
		s.report(r)
	}
	s.index(c.DB.Counters())
	s.gauge("video_index_cache_bytes", "Memory for tables of samples.", float64(c.DB.VideoIndexCacheBytes()), nil)
	var remote bool
	var cacheBytes int64
	for _, dir := range c.Dirs {
		if dir.Spare() {
			continue
		}
		s.sampleDir(dir.Path(), dir.Counters())
		if counted := dir.RemoteCounters(); counted != nil {
			s.objectStore(dir.Path(), counted)
			cacheBytes = max(cacheBytes, dir.CacheBytes()) // they share one
			remote = true
		}
	}
	if remote {
		s.gauge("object_cache_bytes", "Disk space of the cache of what was read from buckets.", float64(cacheBytes), nil)
	}
	if mount := c.Mount(); mount != nil {
		s.mount(mount.Counters())
		s.catalog(mount.Catalog())
	}
}

type labels = prometheus.Labels

// sink makes metrics, all of whose names begin alike.
type sink struct{ out chan<- prometheus.Metric }

// describe makes labels valid: a directory may have any name, and a label that is not
// UTF-8 makes client_golang panic, which would end the recorder.
func describe(name, help string, l labels) *prometheus.Desc {
	valid := make(labels, len(l))
	for label, value := range l {
		valid[label] = printable.Text(value)
	}
	return prometheus.NewDesc("moonfirefs_"+name, help, nil, valid)
}

func (s sink) metric(name, help string, kind prometheus.ValueType, value float64, l labels) {
	s.out <- prometheus.MustNewConstMetric(describe(name, help, l), kind, value)
}

func (s sink) gauge(name, help string, value float64, l labels) {
	s.metric(name, help, prometheus.GaugeValue, value, l)
}

func (s sink) counter(name, help string, value int64, l labels) {
	s.metric(name, help, prometheus.CounterValue, float64(value), l)
}

func (s sink) histogram(name, help string, h *histogram.Histogram, l labels) {
	now := h.Snapshot()
	buckets := make(map[float64]uint64, len(now.Cumulative))
	for bound, count := range now.Cumulative {
		buckets[bound.Seconds()] = count
	}
	s.out <- prometheus.MustNewConstHistogram(describe(name, help, l), now.Count, now.Sum.Seconds(), buckets)
}

func (s sink) report(r *status.Report) {
	s.gauge("problems", "Things that a person should do something about; \"moonfirefs status\" tells which.", float64(len(r.Problems)), nil)
	s.gauge("mounted", "1 if the footage is mounted, 0 if not.", boolean(r.Mounted), nil)
	for i := range r.Streams {
		s.stream(&r.Streams[i])
	}
	for i := range r.Directories {
		s.directory(&r.Directories[i])
	}
}

func (s sink) stream(st *status.Stream) {
	l := labels{"camera": st.Camera, "stream": string(st.Stream)}
	s.gauge("retained_bytes", "Footage on disk, of a stream.", float64(st.SampleFileBytes), l)
	s.gauge("retained_seconds", "Footage on disk, of a stream, as a duration.", st.RecordedSeconds, l)
	s.gauge("quota_bytes", "Footage that may be on disk, of a stream.", float64(st.RetainBytes), l)
	if st.Tier != nil {
		s.tier(st.Tier, l)
	}
	live := st.Live
	if live == nil {
		return
	}
	s.gauge("camera_connected", "1 if there is a connection to the camera, 0 if not.", boolean(!live.ConnectedSince.IsZero()), l)
	if !live.LastFrame.IsZero() {
		s.gauge("last_frame_timestamp_seconds", "When the last frame arrived, in Unix time.", float64(live.LastFrame.UnixMilli())/1000, l)
	}
	s.gauge("clock_drift_seconds", "How far this machine's clock was ahead of the camera's when the newest recording began.", live.DriftSeconds, l)
	s.counter("connections_total", "Connections that were made to the camera.", live.Connections, l)
	s.counter("frames_total", "Frames that have arrived.", live.Frames, l)
	s.counter("received_bytes_total", "Bytes of the frames that have arrived.", live.Bytes, l)
	s.counter("dropped_frames_total", "Frames that have arrived but are in no recording.", live.DroppedFrames, l)
	s.counter("restamped_frames_total", "Frames whose time stamps made no sense.", live.RestampedFrames, l)
	s.counter("packets_total", "RTP packets that have arrived and were used.", live.Packets, l)
	s.counter("lost_packets_total", "RTP packets that did not come, by their sequence numbers.", live.LostPackets, l)
	s.counter("duplicate_packets_total", "RTP packets that came more than once.", live.DuplicatePackets, l)
	s.counter("foreign_packets_total", "RTP packets of another source or payload type than those that were set up.", live.ForeignPackets, l)
	s.counter("resyncs_total", "How often what came on the connection was no packet.", live.Resyncs, l)
	s.counter("recordings_total", "Recordings that were committed.", live.Recordings, l)
	s.gauge("queue_frames", "Frames that wait for the disk.", float64(live.QueuedFrames), l)
	s.gauge("queue_bytes", "Bytes of the frames that wait for the disk.", float64(live.QueuedBytes), l)
}

func (s sink) tier(t *status.Tier, l labels) {
	s.gauge("tier_retained_bytes", "Footage of a stream that has moved to its tier.", float64(t.SampleFileBytes), l)
	s.gauge("tier_quota_bytes", "Footage of a stream that may be in its tier.", float64(t.RetainBytes), l)
	s.gauge("move_late_seconds", "For how long footage has been waiting to move to the tier.", t.LateSeconds, l)
	s.gauge("move_failing", "1 if footage cannot move to the tier at present, 0 if it can.", boolean(t.Error != ""), l)
	s.counter("moved_recordings_total", "Recordings that have moved to the tier.", t.MovedRecordings, l)
	s.counter("moved_bytes_total", "Bytes of the recordings that have moved to the tier.", t.MovedBytes, l)
	s.counter("move_damaged_recordings_total", "Recordings that could not move to the tier, since their files are damaged.", t.DamagedRecordings, l)
}

func (s sink) directory(d *status.Directory) {
	l := labels{"directory": d.Path}
	s.gauge("disk_size_bytes", "Size of the file system of a sample directory.", float64(d.SizeBytes), l)
	s.gauge("disk_available_bytes", "Room in the file system of a sample directory.", float64(d.AvailableBytes), l)
	s.gauge("unsaved_recordings", "Finished recordings that wait to be committed.", float64(d.UncommittedRecordings), l)
	s.gauge("quarantined_files", "Sample files that should go and cannot be deleted.", float64(d.QuarantinedFiles), l)
	s.counter("saves_total", "Saves of finished recordings.", d.Commits, l)
	s.counter("failed_saves_total", "Saves that have failed; they are tried again.", d.FailedCommits, l)
}

func (s sink) index(c *index.Counters) {
	s.histogram("transaction_duration_seconds", "Transactions that save recordings, COMMIT included.", &c.Transactions, nil)
	s.histogram("commit_duration_seconds", "COMMIT of those transactions, which waits for the disk of the index.", &c.Commits, nil)
	hits, all := c.VideoIndexHits.Load(), c.VideoIndexes.Load()
	s.cache("video_index", hits, all, nil)
}

func (s sink) sampleDir(path string, c *sample.Counters) {
	const name, help = "fsync_duration_seconds", "fsync of whole sample files and of directories; fdatasync of what is being recorded."
	s.histogram(name, help, &c.FileSyncs, labels{"directory": path, "what": "file"})
	s.histogram(name, help, &c.Datasyncs, labels{"directory": path, "what": "checkpoint"})
	s.histogram(name, help, &c.DirSyncs, labels{"directory": path, "what": "directory"})
	hits, all := c.OpenHits.Load(), c.Opens.Load()
	s.cache("sample_file", hits, all, labels{"directory": path})
}

func (s sink) objectStore(path string, c *sample.RemoteCounters) {
	l := labels{"directory": path}
	s.counter("object_requests_total", "Requests to the object store of a sample directory, those that were repeated included.", c.Requests.Load(), l)
	s.counter("object_failed_requests_total", "Requests to the object store that were not answered, or not rightly.", c.FailedRequests.Load(), l)
	s.counter("object_received_bytes_total", "Bytes of footage that came from the object store.", c.ReceivedBytes.Load(), l)
	s.counter("object_sent_bytes_total", "Bytes of footage that went to the object store.", c.SentBytes.Load(), l)
	s.counter("object_cache_hits_total", "Reads that needed no answer of the object store.", c.Hits.Load(), l)
	s.counter("object_cache_misses_total", "Reads that waited for the object store.", c.Misses.Load(), l)
	s.histogram("object_fetch_duration_seconds", "Requests for blocks of footage, for several at a time when reading ahead, repeated requests included.", &c.Fetches, l)
}

// cache shows hits and misses; the hits were read first, so that there are not more
// of them than requests.
func (s sink) cache(name string, hits, all int64, l labels) {
	s.counter(name+"_cache_hits_total", "Requests that the cache has answered.", hits, l)
	s.counter(name+"_cache_misses_total", "Requests that took a look at the disk.", max(all-hits, 0), l)
}

func (s sink) mount(c *fs.Counters) {
	s.counter("mount_opens_total", "Files of footage that were opened in the mount.", c.Opens.Load(), nil)
	s.gauge("mount_open_handles", "Files of footage that are open in the mount.", float64(c.OpenHandles.Load()), nil)
	s.counter("mount_reads_total", "Requests to read footage that the mount has answered.", c.Reads.Load(), nil)
	s.counter("mount_read_bytes_total", "Bytes of those answers.", c.ReadBytes.Load(), nil)
	s.counter("mount_faults_total", "Requests to the mount that failed because of what lies underneath.", c.Faults.Load(), nil)
}

func (s sink) catalog(c *library.Catalog) {
	s.cache("listing", c.Counters().ListingHits.Load(), c.Counters().Listings.Load(), nil)
	s.gauge("listing_cache_bytes", "Memory for listings of folders and for index pages.", float64(c.Cache().SizeBytes()), nil)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
