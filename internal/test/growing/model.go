// SPDX-License-Identifier: GPL-3.0-or-later

package growing

// Camera is what a camera of the model sends.
type Camera struct {
	// BitsPerSecond is that of its main stream, audio included.
	BitsPerSecond float64
	// FramesPerSecond decides how large its index is.
	FramesPerSecond float64
}

// Recorder is what one machine can do.
type Recorder struct {
	// Cameras is how many a hard disk of its own takes: a rule of docs/hardware.md for
	// 4 Mbit/s, the lower end of 30 to 60.
	Cameras int
	// DisksOf is how many cameras share a disk.
	DisksOf int
}

// Plan is where footage is, and for how long.
type Plan struct {
	// DiskDays are on the recorder's own disks, ArchiveDays in the object store altogether.
	DiskDays, ArchiveDays int
	// WatchedHours is how much of each hundred cameras somebody reads from the archive on a
	// day.
	WatchedHours float64
}

// What was measured, by the rows of design/performance.md.
const (
	// recordingsPerDay of a stream: one a minute.
	recordingsPerDay = 24 * 60
	// Row 11: index of a camera-day at 5 and at 30 frames a second.
	indexBytesAt5, indexBytesAt30 = 2.16e6, 9.04e6
	// Row 14, on ext4: fsyncs of a disk in a minute, checkpoints and commits of the index,
	// however many cameras record to it.
	syncsPerMinute = 7.6 + 4.0
	// Rows 6 and 7: the index pages take 0.7 ms of a processor for each date of each camera.
	pageSecondsPerDate = 0.7e-3
)

// What a disk does: a choice, of 8 ms for a position, as hard disks have.
const seekSeconds = 8e-3

// blockBytes are read from the object store with one request: a choice.
const blockBytes = 8 << 20

// IndexBytes is what the index grows by for a day of the camera. Between the two rates that
// were measured, and beyond, it is a straight line.
func (c Camera) IndexBytes() float64 {
	perFrame := (indexBytesAt30 - indexBytesAt5) / (30 - 5)
	return indexBytesAt5 + perFrame*(c.FramesPerSecond-5)
}

// DayBytes is what its sample files take for a day.
func (c Camera) DayBytes() float64 { return c.BitsPerSecond / 8 * 86400 }

// Result is what a number of cameras comes to after a year.
type Result struct {
	Cameras, Recorders, Disks int
	// WriteBytesPerSecond is of all recorders, DiskBytes and ArchiveBytes what lies there.
	WriteBytesPerSecond     float64
	DiskBytes, ArchiveBytes float64
	Objects                 float64
	// IndexBytes is of all recorders; IndexBytesEach of one.
	IndexBytes, IndexBytesEach float64
	// SyncsPerSecond of one recorder's disk, and the part of the disk's time that they take if
	// each seeks twice.
	SyncsPerSecond, SyncBusy float64
	// Puts, Gets and EgressBytes are of a month.
	Puts, Gets, EgressBytes float64
	// RootSeconds are of a processor, for the index pages of all, made anew.
	RootSeconds float64
	Cost        Cost
}

// Simulate goes through days of a number of cameras and tells of the last month.
func Simulate(cameras int, c Camera, r Recorder, p Plan, days int) Result {
	n := float64(cameras)
	out := Result{Cameras: cameras, Recorders: ceil(cameras, r.Cameras), Disks: ceil(cameras, r.DisksOf)}
	out.WriteBytesPerSecond = n * c.BitsPerSecond / 8
	each := float64(min(cameras, r.Cameras))
	out.SyncsPerSecond = syncsPerMinute / 60
	out.SyncBusy = out.SyncsPerSecond * 2 * seekSeconds
	for day := range days {
		out.DiskBytes += n * c.DayBytes()
		if day >= p.DiskDays { // the oldest day moves on
			out.DiskBytes -= n * c.DayBytes()
			out.ArchiveBytes += n * c.DayBytes()
			out.Objects += n * recordingsPerDay
			if day >= days-30 {
				out.Puts += n * recordingsPerDay
			}
		}
		out.IndexBytesEach += each * c.IndexBytes()
		out.IndexBytes += n * c.IndexBytes()
		if kept := p.DiskDays + p.ArchiveDays; day >= kept { // and goes in the end
			out.ArchiveBytes -= n * c.DayBytes()
			out.Objects -= n * recordingsPerDay
			out.IndexBytesEach -= each * c.IndexBytes()
			out.IndexBytes -= n * c.IndexBytes()
		}
		if day >= days-30 {
			read := n / 100 * p.WatchedHours * c.BitsPerSecond / 8 * 3600
			out.EgressBytes += read
			out.Gets += read / blockBytes
		}
	}
	out.RootSeconds = n * float64(min(days, p.DiskDays+p.ArchiveDays)) * pageSecondsPerDate
	out.Cost = costOf(&out)
	return out
}

func ceil(n, of int) int { return (n + of - 1) / of }
