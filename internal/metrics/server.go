// SPDX-License-Identifier: GPL-3.0-or-later

package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// closeGrace is how long Close waits for answers that are under way.
const closeGrace = time.Second

// ErrPublic is returned for an address that other machines can reach.
var ErrPublic = errors.New("other machines could read them there")

// Server answers at /metrics.
type Server struct {
	server   *http.Server
	listener net.Listener
	done     chan struct{}
}

// Listen begins to serve at an address such as 127.0.0.1:9090, where sources are
// asked. Unless public is set, an address that other machines can reach is refused
// with an error that wraps ErrPublic: whoever reaches it can read the
// names of the cameras and when they are away.
func Listen(ctx context.Context, address string, public bool, sources *Sources, log *slog.Logger) (*Server, error) {
	if err := CheckAddress(address, public); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{sources}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4,
	}))
	s := &Server{
		listener: listener, done: make(chan struct{}),
		server: &http.Server{
			Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "err", err)
		}
	}()
	return s, nil
}

// CheckAddress refuses what Listen refuses without trying.
func CheckAddress(address string, public bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	if ip := net.ParseIP(host); public || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("serve metrics at %s: %w", address, ErrPublic)
}

// Address is host:port, also where port 0 was asked for.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Close ends the answers that are under way, if need be by force, and waits.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	<-s.done
	return err
}
