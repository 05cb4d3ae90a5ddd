// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/monitor"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// runFlags are those of the command run.
type runFlags struct {
	mount  mountFlags
	watch  watchFlags
	proofs proofFlags
	events eventFlags

	segmentEvery, frameTimeout time.Duration
	queue                      string
	previews                   []string
}

func (f *runFlags) add(cmd *cobra.Command) {
	f.mount.add(cmd)
	f.watch.add(cmd)
	f.proofs.add(cmd)
	f.events.add(cmd)
	cmd.Flags().DurationVar(&f.segmentEvery, "rotate-every", time.Minute, "length of a recording, from 1s to 4m; footage appears in the mount when its recording is complete")
	cmd.Flags().StringVar(&f.queue, "queue", "32MiB", "memory for frames that wait for a slow disk, for each stream; frames that do not fit are lost")
	cmd.Flags().DurationVar(&f.frameTimeout, "frame-timeout", 30*time.Second, "reconnect to a camera that has sent no picture for this long")
	cmd.Flags().StringSliceVar(&f.previews, "previews", nil, "make a small picture of each minute of these cameras (NAME-sub for a sub stream), or of \"all\" main streams")
}

// check returns the size of the queue, or an error of which flag is wrong.
func (f *runFlags) check() (queueBytes int64, err error) {
	queueBytes, err = parseSize("--queue", f.queue, queueBounds)
	return queueBytes, cmp.Or(err, segmentBounds.check("--rotate-every", f.segmentEvery),
		timeoutBounds.check("--frame-timeout", f.frameTimeout), f.watch.check())
}

func newRunCommand(g *global) *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:         "run MOUNTPOINT",
		Annotations: serves,
		Short:       "Record all cameras and show the footage",
		Long: `Records all cameras of the store and mounts the footage at MOUNTPOINT, an empty
directory. It runs until it is interrupted (SIGINT, SIGTERM), and saves what it
is recording before it ends.

Cameras can be added, changed and removed meanwhile. The recorder follows within
a second, and the other cameras are not disturbed. Without cameras, it waits for
the first one. If it cannot mount, it records anyway, and tries to mount again
every few seconds.

"moonfirefs status" shows how it is doing. --hook runs a shell command on each
event, with these variables in its environment:

  MOONFIREFS_EVENT      camera-lost, camera-back, disk-trouble, disk-recovered
  MOONFIREFS_TEXT       a sentence that describes the event
  MOONFIREFS_FOLDER     the camera's folder, if the event is about a camera
  MOONFIREFS_DIRECTORY  the directory, if the event is about a disk`,
		Example: `  moonfirefs run /mnt/nvr --allow-other
  moonfirefs run /mnt/nvr --metrics 127.0.0.1:9090
  moonfirefs run /mnt/nvr --hook 'logger -t camera "$MOONFIREFS_TEXT"'`,
		Args: asUsage(needs("MOUNTPOINT")),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, g, args[0]) },
	}
	f.add(cmd)
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, g *global, mountpoint string) error {
	log, err := g.logger(cmd)
	if err != nil {
		return err
	}
	queueBytes, err := f.check()
	if err != nil {
		return err
	}
	// There is nothing to reload: changes are taken up as they are made.
	signal.Ignore(syscall.SIGHUP)
	closeCache, err := f.mount.openCache(g.store, log)
	if err != nil {
		return err
	}
	defer closeCache()
	s, err := openForRecording(cmd.Context(), g.store, log)
	if err != nil {
		return err
	}
	defer closing(log, s)
	s.AddSpareDirs()
	return record(cmd.Context(), &recording{
		store: s, storePath: g.store, mountpoint: mountpoint, mount: &f.mount, watch: &f.watch, proofs: &f.proofs, log: log,
		segmentEvery: f.segmentEvery, queueBytes: queueBytes, frameTimeout: f.frameTimeout, previews: f.previews, events: &f.events,
	})
}

// roomEvery is how often a full disk is looked at again.
const roomEvery = 5 * time.Second

// openForRecording opens the store. If its disk is so full that not even the index can
// be read, it waits for room.
func openForRecording(ctx context.Context, path string, log *slog.Logger) (*store.Store, error) {
	for told := false; ; told = true {
		s, err := store.Open(ctx, path, store.Recording, log)
		if err == nil || ctx.Err() != nil || !isNoSpace(err) {
			return s, err
		}
		if !told {
			log.Error("the disk is full; waiting for room", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(roomEvery):
		}
	}
}

func isNoSpace(err error) bool {
	return errors.Is(err, moonfirefs.ErrNoSpace) || errors.Is(err, syscall.ENOSPC)
}

// recording is what the commands that record have in common.
type recording struct {
	store      *store.Store
	storePath  string
	mountpoint string
	mount      *mountFlags
	watch      *watchFlags
	proofs     *proofFlags
	log        *slog.Logger
	// segmentEvery is the length of a recording; 0 means the recorder's default.
	segmentEvery time.Duration
	// queueBytes bounds the queue of each stream; 0 means the recorder's default.
	queueBytes int64
	// frameTimeout bounds the wait for a frame; 0 means the recorder's default.
	frameTimeout time.Duration
	// previews are to be made of these.
	previews previewed
	// events are taken from there.
	events *eventFlags
	// during runs beside the recorder, if it is not nil, until ctx ends.
	during func(ctx context.Context, r *recorder.Recorder) error
}

// record mounts and records until ctx ends, then saves what is in progress.
func record(ctx context.Context, o *recording) (err error) {
	cameras, err := o.store.DB.Cameras(ctx)
	if err != nil {
		return err
	}
	if countRecorded(cameras) == 0 {
		o.log.Info("no camera is to be recorded yet; waiting for the first one (add one with: moonfirefs camera add)")
	}
	m := o.newMonitor()
	options, err := o.mount.mountOptions(o.storePath, o.store, o.mountpoint, m.Shown, o.log)
	if err != nil {
		return err
	}
	defer showEvents(&options, o.storePath, o.store.Zone, o.mount.eventMargin, o.log)()
	previews, stopPreviews := makePreviews(o.store, o.storePath, o.previews, options.Catalog, o.log)
	defer stopPreviews()
	options.Companions = append(options.Companions, previews...)
	mount := newMounter(options, o.log)
	defer closing(o.log, mount)
	defer spareEvents(ctx, o.store, o.storePath, o.mount.eventMargin, o.log)()
	r := recorder.New(recorder.Options{
		DB: o.store.DB, Dirs: o.store.Dirs, Attach: o.store.Attach, Cameras: cameras,
		SegmentEvery: o.segmentEvery, QueueBytes: o.queueBytes, FrameTimeout: o.frameTimeout, Logger: o.log,
	})
	if err := r.Open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	signing, err := o.proofs.start(ctx, o.storePath, o.store, o.log)
	if err != nil {
		return err
	}
	defer closing(o.log, signing)
	listening, err := o.events.start(ctx, o.storePath, o.store, o.log)
	if err != nil {
		return err
	}
	defer closing(o.log, listening)
	// Those who start after the recorder may want to see the mount.
	select {
	case <-mount.tried:
	case <-ctx.Done():
	}
	defer closing(o.log, o.watchers(ctx, m, r, mount))
	defer o.follow(ctx, r, m, cameras)()
	o.log.Info("recording", "cameras", countRecorded(cameras), "mountpoint", o.mountpoint)
	if o.during != nil {
		err = o.during(ctx, r)
	} else {
		select {
		case <-ctx.Done():
			o.log.Info("stopping")
			o.store.Hurry() // frames must not wait for an object store
		case err = <-r.Failed():
			o.log.Error("nothing more can be recorded; ending", "err", err)
		}
	}
	// Recording ends last: unmounting may take a while.
	closing(o.log, mount)
	return err
}

// follow has the recorder take up changes of the configuration, until stop is called.
func (o *recording) follow(ctx context.Context, r *recorder.Recorder, m *monitor.Monitor, cameras []moonfirefs.Camera) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	f := &follower{store: o.store, recorder: r, monitor: m, log: o.log, version: -1, settings: settingsOf(cameras)}
	var wg sync.WaitGroup
	wg.Go(func() { f.run(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}
