// SPDX-License-Identifier: GPL-3.0-or-later

package fs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gofs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/mountpoint"
	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// Options say what to mount, where and how.
type Options struct {
	// Mountpoint is an empty folder.
	Mountpoint string
	// Catalog is what to show. Its index and its sample directories stay open until Close
	// has returned; the caller closes them.
	Catalog *library.Catalog
	// AllowOther lets the user UID and the group GID read, whoever has mounted.
	// Without it nobody else can even see the mount, not even root.
	AllowOther bool
	// UID and GID own all files; 0 means those of the process.
	UID, GID uint32
	// Status returns what status.json and the page of the root tell of the recorder.
	// It may return nil while there is nothing to tell, and must return the same
	// report for as long as the pages shall stay as they are; it must not wait. Where
	// it is nil, the pages tell of footage alone.
	Status func() *status.Report
	// Companions are files that somebody offers beside those of the mount; nil for none.
	Companions []Companions
	// Live returns the file of a stream's folder "live" that has a name at this moment, or
	// an error that wraps moonfirefs.ErrNotFound. Where it is nil, there are no such folders.
	Live func(ctx context.Context, s *library.Stream, name string) (*LiveFile, error)
	// Albums are folders that somebody offers in the folder of each stream; nil for none.
	Albums []Album
	// Marks are what happened, for the pages; nil for none.
	Marks pages.Marks
	// Logger is told what a person should know; nil means slog.Default().
	Logger *slog.Logger
}

// Mount is a mounted file system. It is safe for concurrent use.
type Mount struct {
	path string
	log  *slog.Logger
	tree *tree
	// gathering is nil where a single catalog is mounted.
	gathering *gathering
	server    *fuse.Server
	// device is "major:minor" of this mount and no other.
	device string
	// done is closed when the mount is gone and all goroutines have ended.
	done chan struct{}
	// looked is when the watcher has looked last, as the time since epoch.
	looked atomic.Int64

	closeOnce sync.Once
	closeErr  error
}

const (
	// maxTransferBytes bounds the size of a READ. With more, the answer does not
	// fit into a pipe, and go-fuse copies each instead of splicing it.
	maxTransferBytes = 512 << 10
	// maxBackground is how many READs of the kernel's read-ahead may be under way, of all
	// files together: a program that reads waits as soon as there are as many. Those that
	// wait for a disk that answers nothing count, up to eight for each of its readers, also
	// for those that were killed, so that there must be far more of them than readers. Each
	// takes a thread, of which Go allows 10 000 and systemd some 4900.
	maxBackground = 1024
	// readAheadKiB is how far the kernel may read ahead; its default of 128 also
	// bounds the size of READ requests.
	readAheadKiB = 2048
)

// Open mounts the store and serves it. It replaces a dead mount that a killed
// process has left, and returns an error that wraps moonfirefs.ErrExists if the
// mountpoint is in use or moonfirefs.ErrInvalid if it is missing or not empty.
func Open(ctx context.Context, o Options) (*Mount, error) {
	t, err := newTree(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", o.Mountpoint, err)
	}
	m, err := serveCatalog(o, t, &root{node{tree: t}})
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", o.Mountpoint, err)
	}
	return m, nil
}

// newTree makes sure that the index can be read before anything is mounted.
func newTree(ctx context.Context, o Options) (*tree, error) {
	if o.Catalog == nil {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "nothing to show")
	}
	t := newSharedTree(o)
	t.companions, t.albums, t.live, t.catalog = o.Companions, o.Albums, o.Live, o.Catalog
	t.pages = pages.New(o.Catalog, pages.Options{Report: o.Status, Live: o.Live != nil, Marks: o.Marks})
	now, err := t.catalog.Snapshot(ctx)
	t.known.Store(now)
	return t, err
}

// newSharedTree makes a tree that has nothing to show by itself.
func newSharedTree(o Options) *tree {
	t := &tree{
		owner:   owner{uid: o.UID, gid: o.GID, fileMode: 0o400, folderMode: 0o500},
		log:     o.Logger,
		handles: make(map[*handle]bool),

		generation: rand.Uint32(), knownFiles: defaultKnownFiles, crowd: newCrowd(),
		rootNames: func() rootNames { return ownNames },
	}
	if t.log == nil {
		t.log = slog.Default()
	}
	if t.owner.uid == 0 {
		t.owner.uid = uint32(os.Geteuid())
	}
	if t.owner.gid == 0 {
		t.owner.gid = uint32(os.Getegid())
	}
	if o.AllowOther {
		t.owner.fileMode, t.owner.folderMode = 0o440, 0o550
	}
	return t
}

// serveCatalog is serve for the tree of a catalog.
func serveCatalog(o Options, t *tree, root gofs.InodeEmbedder) (*Mount, error) {
	return serve(o, t, root, func(ctx context.Context, m *Mount) {
		(&watcher{tree: t, root: root.EmbeddedInode(), looked: &m.looked}).run(ctx)
	})
}

// serve mounts and starts the goroutines, which end when the mount is gone: watch is one of
// them.
func serve(o Options, t *tree, root gofs.InodeEmbedder, watch func(ctx context.Context, m *Mount)) (*Mount, error) {
	path, err := mountpoint.Prepare(o.Mountpoint)
	if err != nil {
		return nil, err
	}
	// Not gofs.Mount, which would go on to touch the mount (WaitMount): the
	// kernel queues requests from now on.
	server, err := fuse.NewServer(gofs.NewNodeFS(root, nodeOptions()), path, mountOptions(o, t.log))
	if err != nil {
		// fusermount3 has told its reason on standard error.
		err = errors.New(strings.TrimSpace(err.Error()))
		return nil, errors.Join(err, mountpoint.ClearStale(path))
	}
	mountpoint.KeepFromChildren(t.log)
	m := &Mount{path: path, log: t.log, tree: t, server: server, done: make(chan struct{})}
	m.looked.Store(int64(time.Since(epoch)))
	go m.run(watch)
	if err := m.identify(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	m.raiseReadAhead()
	return m, nil
}

func nodeOptions() *gofs.Options {
	return &gofs.Options{
		// Our own modes, which go-fuse would otherwise open up when they are 0.
		NullPermissions: true,
		RootStableAttr:  &gofs.StableAttr{Ino: library.RootInode},
	}
}

func mountOptions(o Options, log *slog.Logger) *fuse.MountOptions {
	options := &fuse.MountOptions{
		AllowOther: o.AllowOther,
		// For fusermount3; DirectMountFlags say the same to mount(2).
		Options:          []string{"ro", "nosuid", "nodev"},
		DirectMountFlags: unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV,
		// What root may not do, fusermount3 could not do for root either, and it
		// would hide the reason.
		DirectMount:       true,
		DirectMountStrict: os.Geteuid() == 0,
		FsName:            mountpoint.Name,
		Name:              mountpoint.Name,
		MaxWrite:          maxTransferBytes,
		MaxBackground:     maxBackground,
		// Otherwise a long listing asks for two attributes of each file.
		DisableXAttrs: true,
		// What go-fuse has to say is of use to those who work on it: above all
		// that an answer came too late for a program that was killed.
		Logger: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		PanicHandler: func(value any) fuse.Status {
			log.Error("panic while serving a request", "panic", value, "stack", string(debug.Stack()))
			return fuse.EIO
		},
	}
	if o.AllowOther {
		options.Options = append(options.Options, "default_permissions")
	}
	return options
}

// run serves until the mount is gone, by whatever means.
func (m *Mount) run(watch func(ctx context.Context, m *Mount)) {
	defer close(m.done)
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { watch(ctx, m) })
	m.server.Serve()
	cancel()
	watching.Wait()
	m.tree.closeHandles()
}

// identify finds out the device number, by which this mount is told from another
// at the same path. The mount table has it; a stat would be a request to
// ourselves.
func (m *Mount) identify() error {
	mounted, ok, err := mountpoint.At(m.path)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s is not in the mount table", m.path)
	}
	m.device = mounted.Device
	return nil
}

// raiseReadAhead makes sequential reading several times as fast, where that is
// allowed: only root may. It goes on without.
func (m *Mount) raiseReadAhead() {
	if err := mountpoint.SetReadAhead(m.device, readAheadKiB); err != nil {
		m.log.Debug("read-ahead unchanged", "err", err)
	}
}

// epoch has Go's monotonic reading.
var epoch = time.Now()

// Alive tells whether the mount is there, and whether its watcher, which asks the
// database and speaks to the kernel all the time, has come round within a while.
func (m *Mount) Alive(within time.Duration) bool {
	return !m.gone() && time.Since(epoch)-time.Duration(m.looked.Load()) < within
}

// Wait returns when the mount is gone, whoever has unmounted it.
func (m *Mount) Wait() { <-m.done }
