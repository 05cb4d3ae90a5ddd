// SPDX-License-Identifier: GPL-3.0-or-later

package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// Kind says what is wrong, for programs.
type Kind string

// The kinds of problems, those that cost most footage first.
const (
	DiskMissing      Kind = "disk-missing"
	DiskFull         Kind = "disk-full"
	DiskSilent       Kind = "disk-silent"
	CommitsFail      Kind = "saving-fails"
	NotRecorded      Kind = "not-recorded"
	NothingCommitted Kind = "nothing-saved"
	CameraAway       Kind = "camera-away"
	ClockWrong       Kind = "clock-wrong"
	PacketsLost      Kind = "packets-lost"
	JournalsFail     Kind = "journals-fail"
	DiskTooSmall     Kind = "disk-too-small"
	QuotaKept        Kind = "quota-kept"
	QuotaTiny        Kind = "quota-too-small"
	Quarantine       Kind = "quarantine"
	MountGone        Kind = "mount-gone"
	RestartNeeded    Kind = "restart-needed"
	IndexTrouble     Kind = "index-trouble"
	BackupFailed     Kind = "backup-failed"
	MoveFails        Kind = "move-fails"
)

// Problem is something that a person should do something about.
type Problem struct {
	Kind Kind `json:"kind"`
	// Folder and Directory say what it is about, if it is about a stream or a
	// sample directory.
	Folder    string `json:"folder,omitempty"`
	Directory string `json:"directory,omitempty"`
	// Since is zero if that is not known.
	Since time.Time `json:"since,omitzero"`
	// Text is a sentence. It has no numbers that differ from minute to minute.
	Text string `json:"text"`
}

// Limits, beyond which something is a problem.
const (
	// awayAfter is longer than a frame may last.
	awayAfter = 15 * time.Second
	// interruptedAfter is longer than a run takes to follow another one that ended
	// because a clock was set.
	interruptedAfter = 10 * time.Second
	// uncommittedAfter is longer than a recording and its commit may take.
	uncommittedAfter = 10 * time.Minute
	// silentAfter is longer than a healthy disk takes to answer or to commit.
	silentAfter = 30 * time.Second
	// aheadAfter is how far in the future footage may end.
	aheadAfter = time.Minute
	// leastKept is how much footage a camera is recorded for at the least.
	leastKept = 10 * time.Minute
	// maxLoss is how many packets may be missing, of those of a connection, and minPackets
	// of how many that is said.
	maxLoss, minPackets = 0.005, 1000
	// clockBehind is how long before the store was made the clock may be: nothing,
	// but for somebody who has just set it.
	clockBehind = 24 * time.Hour
)

// Find lists what is wrong according to the rest of r, the worst first.
func Find(r *Report) []Problem {
	f := &finder{Report: r, zone: r.Zone(), problems: []Problem{}}
	for i := range r.Directories {
		f.directory(&r.Directories[i])
	}
	for i := range r.Streams {
		f.stream(&r.Streams[i])
	}
	f.clock()
	if r.IndexError != "" {
		f.add(Problem{Kind: IndexTrouble}, "The index, moonfire.db, is in trouble: %s. Recording continues for a while; connect and mount the right disk, then restart the recorder.", r.IndexError)
	}
	if r.Mountpoint != "" && !r.Mounted {
		f.add(Problem{Kind: MountGone}, "The footage is not mounted at %s; recording continues%s.", r.Mountpoint, because(r.MountError))
	}
	f.backup()
	order := []Kind{IndexTrouble, DiskMissing, DiskFull, DiskSilent, CommitsFail, NotRecorded, NothingCommitted, CameraAway, ClockWrong}
	rank := func(k Kind) int {
		if i := slices.Index(order, k); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(f.problems, func(a, b Problem) int { return cmp.Compare(rank(a.Kind), rank(b.Kind)) })
	return f.problems
}

type finder struct {
	*Report
	zone     *time.Location
	problems []Problem
}

func (f *finder) add(p Problem, format string, args ...any) {
	p.Text = fmt.Sprintf(format, args...)
	f.problems = append(f.problems, p)
}

func (f *finder) directory(d *Directory) {
	p := func(k Kind) Problem { return Problem{Kind: k, Directory: d.Path} }
	if d.Missing && d.Remote {
		f.add(p(DiskMissing), "The object store of %s does not answer%s: footage there cannot be read, and none moves there.%s", d.Path, because(d.CommitError), f.victims(d))
		return
	}
	if d.Missing {
		if denied(d.CommitError) {
			f.add(p(DiskMissing), "The directory %s cannot be used: %s.%s", d.Path, d.CommitError, f.victims(d))
			return
		}
		f.add(p(DiskMissing), "The directory %s is missing: is its disk connected and mounted?%s%s", d.Path, instead(d.CommitError), f.victims(d))
		return
	}
	if silent := f.Time.Sub(d.SilentSince); !d.SilentSince.IsZero() && silent >= silentAfter || d.CommittingSeconds >= silentAfter.Seconds() {
		silentProblem := p(DiskSilent)
		silentProblem.Since = d.SilentSince
		f.add(silentProblem, "The %s of %s does not answer.", d.medium(), d.Path)
	}
	if d.Full {
		f.add(p(DiskFull), "The disk of %s is full: nothing new is recorded, and existing footage stays.%s", d.Path, f.victims(d))
	}
	if d.NoInodes {
		f.add(p(DiskFull), "The file system of %s has no inodes left, so that no file can be made: what is recorded stays, and nothing new is recorded.%s", d.Path, f.victims(d))
	}
	if d.CommitError != "" {
		f.add(p(CommitsFail), "Recordings in %s cannot be committed: %s.", d.Path, d.CommitError)
	}
	if d.JournalError != "" {
		f.add(p(JournalsFail), "Journals in %s cannot be written, so a crash would lose the footage of the last minute or so: %s.", d.Path, d.JournalError)
	}
	if d.DaysUntilFull != nil && !d.Full {
		f.add(p(DiskTooSmall), "The disk of %s will be full in %s, before the quotas of its cameras are used up: lower the quotas or free space.", d.Path, DaysText(*d.DaysUntilFull))
	}
	if d.QuarantinedFiles > 0 {
		f.add(p(Quarantine), "Old files in %s cannot be deleted; the log says why.", d.Path)
	}
}

// medium is what keeps the files of a directory.
func (d *Directory) medium() string {
	if d.Remote {
		return "object store"
	}
	return "disk"
}

// denied tells whether a directory is not missing at all, but somebody else's.
func denied(reason string) bool { return strings.Contains(reason, " belongs to ") }

// instead says what is in the place of a missing directory, if there is something.
func instead(reason string) string {
	if reason == "" || strings.HasSuffix(reason, "no such file or directory") {
		return ""
	}
	return " What is at its path cannot be used: " + reason + "."
}

// victims names the cameras that record to a directory.
func (f *finder) victims(d *Directory) string {
	var names []string
	for i := range f.Streams {
		if f.Streams[i].Directory == d.Path {
			names = append(names, f.Streams[i].Folder)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " Affected: " + strings.Join(names, ", ") + "."
}

func (f *finder) stream(s *Stream) {
	p := func(k Kind, since time.Time) Problem { return Problem{Kind: k, Folder: s.Folder, Since: since} }
	if last := s.Last; last.Sub(f.Time) > aheadAfter {
		f.add(p(ClockWrong, time.Time{}), "%s has footage dated %s, which is in the future: this machine's clock is or was wrong.", s.name(), f.clockText(last))
	}
	if f.Since.IsZero() {
		return // nothing records
	}
	if !s.Retired && s.KeptBytes > 0 && s.KeptBytes >= s.QuotaBytes()-s.QuotaBytes()/moonfirefs.UnkeptShare {
		f.add(p(QuotaKept, time.Time{}), "Kept footage takes up most of the quota of camera %s: release some or raise the quota.", s.Folder)
	}
	f.limits(s)
	f.tier(s)
	if s.Live == nil {
		if !s.Retired && !f.explained(s) {
			f.add(p(RestartNeeded, time.Time{}), "%s is not recorded: the recorder could not apply its configuration; the log says why.", s.name())
		}
		return
	}
	if since, away := s.away(f.Report); away {
		f.add(p(CameraAway, since), "%s offline since %s%s.", s.name(), f.clockText(since), because(s.Live.CameraError))
		return
	}
	if since := s.Live.InterruptedSince; !since.IsZero() && f.Time.Sub(since) >= interruptedAfter {
		if !f.explained(s) {
			interrupted := p(NotRecorded, since)
			interrupted.Directory = s.Directory
			f.add(interrupted, "%s has not been recorded since %s%s.", s.name(), f.clockText(since), because(s.Live.DiskError))
		}
		return
	}
	if s.Live.LossRatio >= maxLoss && s.Live.Packets >= minPackets {
		f.add(p(PacketsLost, time.Time{}), "%s loses packets on the way, and with them pictures: check its network, or use TCP.", s.name())
	}
	connected := s.Live.ConnectedSince
	if !connected.IsZero() && f.Time.Sub(connected) >= uncommittedAfter && f.Time.Sub(s.Last) >= uncommittedAfter && !f.explained(s) {
		f.add(p(NothingCommitted, s.Last), "%s is connected, but none of its footage has been committed for a while.", s.name())
	}
}

// tier finds out why footage does not move.
func (f *finder) tier(s *Stream) {
	if s.Tier == nil {
		return
	}
	fails := Problem{Kind: MoveFails, Folder: s.Folder}
	if s.Tier.Error != "" {
		f.add(fails, "Footage of %s cannot move to %s and stays where it is, within its quota there%s.", s.Folder, s.Tier.Directory, because(s.Tier.Error))
	}
	if n := s.Tier.DamagedRecordings; n > 0 {
		f.add(fails, "%d recordings of %s could not move to %s, since their files are damaged; find them with: moonfirefs check --hash", n, s.Folder, s.Tier.Directory)
	}
}

// limits finds those that leave next to nothing of a stream that is recorded.
func (f *finder) limits(s *Stream) {
	if s.Retired {
		return
	}
	tiny := Problem{Kind: QuotaTiny, Folder: s.Folder}
	switch perSecond := s.BytesPerSecond(); {
	case float64(s.RetainBytes) < leastKept.Seconds()*perSecond:
		f.add(tiny, "The quota of %s, %s, holds less than ten minutes of footage: everything older is deleted. Raise it: moonfirefs camera edit %s --%s SIZE",
			s.Folder, BytesText(s.RetainBytes), s.Camera, s.flag("retain"))
	case s.RetainSeconds > 0 && s.retainFor() < leastKept:
		f.add(tiny, "The footage of %s is deleted once it is older than %s. Raise the limit: moonfirefs camera edit %s --%s 72h",
			s.Folder, AgeText(s.retainFor()), s.Camera, s.flag("retain-for"))
	}
}

// flag is what a flag of camera edit is called for the stream.
func (s *Stream) flag(name string) string {
	if s.Stream == moonfirefs.SubStream {
		return "sub-" + name
	}
	return name
}

// away tells whether a stream that is recorded gets no frames, and since when.
func (s *Stream) away(r *Report) (since time.Time, away bool) {
	if since = s.Live.LastFrame; since.IsZero() {
		since = s.Live.AwaySince // the recorder's start, or when it was added
	}
	if since.IsZero() {
		since = r.Since
	}
	return since, r.Time.Sub(since) >= awayAfter
}

// explained tells whether there is a problem already that explains why a stream is
// not recorded.
func (f *finder) explained(s *Stream) bool {
	return slices.ContainsFunc(f.problems, func(p Problem) bool {
		return p.Directory == s.Directory && p.Folder == "" && slices.Contains([]Kind{DiskMissing, DiskFull, DiskSilent, CommitsFail}, p.Kind)
	})
}

func (f *finder) backup() {
	b := f.Backup
	if b == nil || b.Failed.IsZero() {
		return
	}
	last := " None has succeeded before."
	if !b.Succeeded.IsZero() {
		last = " The last one that succeeded was that of " + f.clockText(b.Succeeded) + "."
	}
	f.add(Problem{Kind: BackupFailed, Since: b.Failed}, "The backup of %s failed%s.%s", f.clockText(b.Failed), because(b.Error), last)
}

func (f *finder) clock() {
	if f.Created.Sub(f.Time) > clockBehind {
		f.add(Problem{Kind: ClockWrong}, "This machine's clock is wrong: it shows a time before this store was created, %s.", f.clockText(f.Created))
	}
}

func (f *finder) clockText(t time.Time) string { return t.In(f.zone).Format("2006-01-02 15:04") }

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// name is what a stream is called in a sentence that it begins.
func (s *Stream) name() string {
	if s.Stream == moonfirefs.SubStream {
		return "Camera " + s.Camera + " (sub stream)"
	}
	return "Camera " + s.Camera
}
