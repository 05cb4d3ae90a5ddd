// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/metrics"
	"github.com/moonfirefs/moonfirefs/internal/monitor"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// watchFlags are about who is told how the recorder is doing.
type watchFlags struct {
	statusGroup, hook string
	hookPause         time.Duration
	metrics           string
	metricsPublic     bool
}

func (f *watchFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.statusGroup, "status-group", "", "group whose members may read the status (default: only the recorder's user)")
	cmd.Flags().StringVar(&f.hook, "hook", "", "shell command to run when a camera goes offline or returns, or when disk trouble starts or ends")
	cmd.Flags().DurationVar(&f.hookPause, "hook-pause", time.Minute, "minimum time between two events for the same camera or disk")
	cmd.Flags().StringVar(&f.metrics, "metrics", "", "serve Prometheus metrics at this address, such as 127.0.0.1:9090")
	cmd.Flags().BoolVar(&f.metricsPublic, "metrics-public", false, "let --metrics use an address that other machines can reach")
}

// check refuses what can be known to be wrong before anything is recorded.
func (f *watchFlags) check() error {
	if err := pauseBounds.check("--hook-pause", f.hookPause); err != nil || f.metrics == "" {
		return err
	}
	err := metrics.CheckAddress(f.metrics, f.metricsPublic)
	if errors.Is(err, metrics.ErrPublic) {
		err = fmt.Errorf("%w; --metrics-public allows it", err)
	}
	if err != nil {
		return &usageError{err}
	}
	return nil
}

// newMonitor returns a Monitor, which has nothing to tell yet.
func (o *recording) newMonitor() *monitor.Monitor {
	return monitor.New(monitor.Options{
		Store: o.store, Socket: monitor.SocketPath(o.storePath), SocketGroup: o.watch.statusGroup,
		Hook: o.watch.hook, HookPause: o.watch.hookPause, Logger: o.log,
	})
}

// watchers begins to tell how the recorder is doing. What is returned ends that.
func (o *recording) watchers(ctx context.Context, m *monitor.Monitor, r *recorder.Recorder, mount *mounter) io.Closer {
	m.Open(r, o.mountpoint, mount)
	if o.watch.metrics == "" {
		return m
	}
	server, err := metrics.Listen(ctx, o.watch.metrics, o.watch.metricsPublic, &metrics.Sources{
		Report: m.Report, DB: o.store.DB, Dirs: o.store.Dirs, Mount: mount.served, Version: version(),
	}, o.log)
	if err != nil {
		// Footage is worth more than figures.
		o.log.Error("recording without metrics", "err", err)
		return m
	}
	o.log.Info("serving metrics", "address", server.Address())
	return closers{server, m}
}

// closers are closed in order.
type closers struct {
	metrics *metrics.Server
	monitor *monitor.Monitor
}

func (c closers) Close() error { return errors.Join(c.metrics.Close(), c.monitor.Close()) }
