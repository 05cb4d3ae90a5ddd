// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/internal/mountpoint"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/recorder"
)

const (
	demoCamera      = "demo"
	demoRetainBytes = 1 << 30
	// demoSegmentEvery is short, so that something shows within seconds.
	demoSegmentEvery = 5 * time.Second
)

func newDemoCommand(g *global) *cobra.Command {
	var duration time.Duration
	cmd := &cobra.Command{
		Use:         "demo DIR",
		Annotations: serves,
		Short:       "Record a simulated camera and show its footage",
		Long: `Starts a simulated camera on this machine, creates a store in DIR/store, records the
camera, and mounts the footage at DIR/mnt, until interrupted. It needs ffmpeg to
encode the camera's video.`,
		Example: `  moonfirefs demo /tmp/moonfirefs-demo`,
		Args:    asUsage(needs("DIR")),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := g.logger(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if duration > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, duration)
				defer cancel()
			}
			d := &demo{dir: args[0], out: cmd.OutOrStdout(), log: log}
			err = d.run(ctx)
			if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
				return nil // it was over before it had begun
			}
			return err
		},
	}
	cmd.Flags().DurationVar(&duration, "duration", 0, "stop after this time, such as 90s (default: when interrupted)")
	return cmd
}

// demo is a whole store, camera included.
type demo struct {
	dir string
	out io.Writer
	log *slog.Logger

	store *store.Store
	// stream and camera are the demo's one camera as it is stored.
	camera moonfirefs.Camera
}

func (d *demo) storePath() string  { return filepath.Join(d.dir, "store") }
func (d *demo) mountpoint() string { return filepath.Join(d.dir, "mnt") }

func (d *demo) run(ctx context.Context) error {
	if err := os.MkdirAll(d.mountpoint(), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("demo: %w", err)
	}
	if err := d.openStore(ctx); err != nil {
		return err
	}
	defer closing(d.log, d.store)
	camera, err := d.startCamera(ctx)
	if err != nil {
		return err
	}
	defer closing(d.log, camera)
	d.printf("A simulated camera plays at %s\nRecording to %s, mounted at %s\nThe first footage appears within seconds. Ctrl-C ends the demo.\n\n",
		camera.URL(), d.storePath(), d.mountpoint())
	err = record(ctx, &recording{
		store: d.store, storePath: d.storePath(), mountpoint: d.mountpoint(), log: d.log, segmentEvery: demoSegmentEvery,
		watch: &watchFlags{}, proofs: &proofFlags{},
		mount:  d.mountFlags(),
		during: d.showStatus,
	})
	d.printf("\nThe demo has ended. The footage stays in %s\nTo see it again:   mkdir -p /tmp/footage; %s mount --store %s /tmp/footage\n",
		d.dir, os.Args[0], d.storePath())
	return err
}

// mountFlags let in whoever runs the demo, or has become root for it by sudo: VLC
// refuses to run as root.
func (d *demo) mountFlags() *mountFlags {
	f := &mountFlags{eventMargin: defaultEventMargin, uid: uint32(os.Getuid()), gid: uint32(os.Getgid()), renderFlags: renderFlags{gaps: "hold"}}
	if os.Getuid() != 0 {
		return f
	}
	uid, err := strconv.ParseUint(os.Getenv("SUDO_UID"), 10, 32)
	if err != nil || uid == 0 {
		d.printf("You are root: VLC refuses to run as root, and other users cannot enter this mount.\n" +
			"Play copies of the files, or run the demo as an ordinary user, in another directory.\n\n")
		return f
	}
	f.uid, f.allowOther = uint32(uid), true
	return f
}

func (d *demo) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format, args...) // nobody to tell if the terminal is gone
}

// openStore opens the store of an earlier demo, or makes one.
func (d *demo) openStore(ctx context.Context) (err error) {
	path := d.storePath()
	if owner, err := durable.OwnerOf(path); err == nil && os.Geteuid() != 0 && owner.UID != os.Geteuid() {
		return fmt.Errorf("demo: %s belongs to %s: name another folder", path, owner.User())
	}
	err = store.Create(ctx, path, "", machineZone())
	if err != nil && !errors.Is(err, moonfirefs.ErrExists) {
		return err
	}
	d.store, err = store.Open(ctx, path, store.Recording, d.log)
	return err
}

// startCamera starts the camera where the store expects it, or anywhere and adds
// it to the store.
func (d *demo) startCamera(ctx context.Context) (*testcamera.Camera, error) {
	address := ""
	cameras, err := d.store.DB.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	if len(cameras) > 1 || len(cameras) == 1 && cameras[0].ShortName != demoCamera {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "demo: %s holds a store with cameras of its own: use another directory", d.dir)
	}
	if len(cameras) > 0 {
		d.camera = cameras[0]
		u, err := url.Parse(d.camera.Streams[0].URL)
		if err != nil {
			return nil, fmt.Errorf("demo: the store's camera has no usable URL: %w", err)
		}
		address = u.Host
	}
	camera, err := newTestCamera(address)
	if err != nil {
		return nil, err
	}
	if len(cameras) == 0 {
		err = d.addCamera(ctx, camera.URL())
	}
	if err != nil {
		return nil, errors.Join(err, camera.Close())
	}
	return camera, nil
}

func (d *demo) addCamera(ctx context.Context, address string) error {
	dirs, err := d.store.DB.SampleDirs(ctx)
	if err != nil {
		return err
	}
	d.camera = moonfirefs.Camera{
		UUID: uuid.New(), ShortName: demoCamera, Description: "simulated camera",
		Streams: []moonfirefs.Stream{{
			Kind: moonfirefs.MainStream, SampleDir: dirs[0].ID, URL: address,
			Transport: moonfirefs.TCP, RetainBytes: demoRetainBytes,
		}},
	}
	return d.store.DB.AddCamera(ctx, &d.camera)
}

// showStatus keeps a line up to date on a terminal, and prints one now and then
// elsewhere. When there is footage it says what to do with it.
func (d *demo) showStatus(ctx context.Context, r *recorder.Recorder) error {
	every, format := 5*time.Second, "%s\n"
	if file, ok := d.out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		every, format = time.Second, "\r%s\x1b[K"
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	toldLatest, toldFootage := false, false
	catalog, err := newCatalog(d.store, library.RenderOptions{}, nil)
	if err != nil {
		return err
	}
	var shown time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if told := toldLatest && toldFootage; !told && d.isMounted() {
				toldLatest = toldLatest || d.tellLatest(ctx, catalog)
				toldFootage = toldFootage || d.tellFootage(ctx)
			}
			if now.Sub(shown) >= every {
				shown = now
				d.printf(format, statusLine(r.Status()[0]))
			}
		}
	}
}

// isMounted tells whether there is a mount to look at. It does not look at it itself: this
// process serves it.
func (d *demo) isMounted() bool {
	dir, err := filepath.EvalSymlinks(d.dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return false
	}
	_, ok, err := mountpoint.At(filepath.Join(dir, filepath.Base(d.mountpoint())))
	return err == nil && ok
}

// tellLatest says how to see what is being recorded, once there is something to see.
func (d *demo) tellLatest(ctx context.Context, catalog *library.Catalog) bool {
	now, err := catalog.Snapshot(ctx)
	if err != nil {
		return false
	}
	folder := d.camera.Streams[0].FolderName(&d.camera)
	state, latest := now.Folder(folder), library.LatestFile
	name, _ := library.ParseLatestName(latest)
	if state == nil {
		return false
	}
	if _, ok, err := catalog.Latest(ctx, state.Stream, name); err != nil || !ok {
		return false
	}
	path := filepath.Join(d.mountpoint(), folder)
	d.printf("\nThe camera is being recorded. In another terminal, see what happens now:\n\n    vlc %s\n    vlc %s\n\n",
		filepath.Join(path, latest), filepath.Join(path, "live", "live.m3u8"))
	return true
}

// tellFootage says what to do with the footage, once there is some.
func (d *demo) tellFootage(ctx context.Context) bool {
	stream := &d.camera.Streams[0]
	start90k, ok, err := d.store.DB.LastStart(ctx, stream.ID, moonfirefs.MaxTime90k)
	if err != nil || !ok {
		return false
	}
	path := filepath.Join(d.mountpoint(), library.HourPath(stream.FolderName(&d.camera), start90k, d.store.Zone))
	d.printf("\nThere is footage. In another terminal, try:\n\n    vlc %s\n    ffprobe %s\n    ls -lR %s\n    cp %s /tmp\n\n",
		path, path, d.mountpoint(), path)
	return true
}

func statusLine(s recorder.StreamStatus) string {
	line := fmt.Sprintf("%s  %s, %s received, %s complete",
		time.Now().Format(time.TimeOnly), counted(s.Frames, "frame"), humanize.Bytes(uint64(s.Bytes)), counted(s.Recordings, "recording"))
	if s.LastError != "" {
		line += "  (" + s.LastError + ")"
	}
	return line
}
