// SPDX-License-Identifier: GPL-3.0-or-later

package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
)

const (
	// source is that of the events.
	source = "mqtt"
	// queueMessages bounds what waits to be stored: with more, messages are dropped.
	queueMessages = 256
	// leastPause and mostPause bound the time until it is tried again to connect.
	leastPause     = time.Second
	mostPause      = 30 * time.Second
	connectTimeout = 10 * time.Second
	keepAlive      = 30 * time.Second
	// farewell is how long a broker has to take leave.
	farewell = 250 * time.Millisecond
	// atLeastOnce is a quality of service.
	atLeastOnce = 1
)

// Listener listens to a broker until it is closed.
type Listener struct {
	config   Config
	tracker  *events.Tracker
	log      *slog.Logger
	client   paho.Client
	switches map[string]Switch
	queue    chan func(context.Context)
	// lost has why the connection was lost.
	lost    chan error
	dropped atomic.Int64

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Start begins to listen, and goes on trying while the broker cannot be reached. The database
// must stay open until Close has returned. The error wraps moonfirefs.ErrInvalid.
func Start(c Config, d *events.Database, log *slog.Logger) (*Listener, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("listen to MQTT: %w", err)
	}
	l := &Listener{
		config: c, tracker: events.NewTracker(d, source), log: log,
		switches: make(map[string]Switch), queue: make(chan func(context.Context), queueMessages),
		lost: make(chan error, 1),
	}
	for _, s := range c.Switches {
		l.switches[s.Topic] = s
	}
	l.client = paho.NewClient(l.options())
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.running.Go(func() { l.run(ctx) })
	l.running.Go(func() { l.tracker.Run(ctx, l.failed) })
	l.running.Go(func() { l.stayConnected(ctx) })
	return l, nil
}

// options leave it to stayConnected to connect again: what the library does for that, it does
// not end when it is told to.
func (l *Listener) options() *paho.ClientOptions {
	broker, _ := brokerURL(l.config.Broker) // checked
	return paho.NewClientOptions().AddBroker(broker.String()).SetClientID(l.config.ClientID).
		SetUsername(l.config.Username).SetPassword(l.config.Password).
		SetKeepAlive(keepAlive).SetConnectTimeout(connectTimeout).SetAutoReconnect(false).
		SetConnectionLostHandler(func(_ paho.Client, err error) {
			select {
			case l.lost <- err:
			default: // one is enough
			}
		})
}

// stayConnected connects again and again until ctx ends.
func (l *Listener) stayConnected(ctx context.Context) {
	var told string
	for pause := leastPause; ctx.Err() == nil; pause = min(2*pause, mostPause) {
		err := l.connect(ctx)
		if err == nil {
			l.log.Info("taking events from the MQTT broker")
			pause, told = leastPause, ""
			select {
			case <-ctx.Done():
				return
			case err = <-l.lost:
				l.enqueue(func(ctx context.Context) { l.told(l.tracker.Interrupt(ctx)) })
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err.Error() != told { // once, and not every half a minute
			l.log.Warn("no events from the MQTT broker; trying again", "err", err)
			told = err.Error()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// connect connects and subscribes.
func (l *Listener) connect(ctx context.Context) error {
	select {
	case err := <-l.lost:
		l.log.Debug("connection to the MQTT broker was of no use", "err", err)
	default:
	}
	if err := done(ctx, l.client.Connect()); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := done(ctx, l.client.SubscribeMultiple(l.topics(), l.receive)); err != nil {
		l.client.Disconnect(uint(farewell.Milliseconds()))
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// done waits for what the library does.
func done(ctx context.Context, t paho.Token) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.Done():
		return t.Error()
	}
}

func (l *Listener) topics() map[string]byte {
	all := make(map[string]byte)
	if l.config.Frigate != "" {
		all[l.config.Frigate] = atLeastOnce
	}
	for topic := range l.switches {
		all[topic] = atLeastOnce
	}
	return all
}

// Close ends the connection, and what goes on.
func (l *Listener) Close() error {
	l.cancel()
	l.client.Disconnect(uint(farewell.Milliseconds()))
	l.running.Wait()
	return l.tracker.Interrupt(context.Background())
}

func (l *Listener) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case act := <-l.queue:
			act(ctx)
		}
	}
}

// receive is called by the library, which waits for it.
func (l *Listener) receive(_ paho.Client, m paho.Message) {
	topic, payload := m.Topic(), m.Payload()
	if len(payload) > maxMessageBytes {
		l.log.Debug("message is too long", "topic", topic, "bytes", len(payload))
		return
	}
	l.enqueue(func(ctx context.Context) { l.told(l.take(ctx, topic, payload)) })
}

func (l *Listener) enqueue(act func(context.Context)) {
	select {
	case l.queue <- act:
	default:
		if n := l.dropped.Add(1); n&(n-1) == 0 { // 1, 2, 4, 8, …
			l.log.Warn("MQTT messages were dropped: events come faster than they can be stored", "messages", n)
		}
	}
}

func (l *Listener) told(err error) {
	if err != nil {
		l.failed(err)
	}
}

func (l *Listener) failed(err error) { l.log.Warn("event is not stored", "source", source, "err", err) }

// take takes one message.
func (l *Listener) take(ctx context.Context, topic string, payload []byte) error {
	if s, ok := l.switches[topic]; ok {
		return l.takeSwitch(ctx, &s, payload)
	}
	e, ok := parseFrigate(payload)
	if !ok {
		l.log.Debug("message is not understood", "topic", topic)
		return nil
	}
	key := "frigate " + e.After.ID
	if err := l.on(ctx, key, e.After.Camera, e.After.Label, e.since90k()); err != nil || e.Type != "end" {
		return err
	}
	return l.tracker.Off(ctx, key)
}

func (l *Listener) takeSwitch(ctx context.Context, s *Switch, payload []byte) error {
	switch key := "switch " + s.Topic; parseState(payload) {
	case on:
		return l.on(ctx, key, s.Camera, s.Label, moonfirefs.FromTime(time.Now()))
	case off:
		return l.tracker.Off(ctx, key)
	}
	l.log.Debug("message is neither on nor off", "topic", s.Topic)
	return nil
}

// on begins an event, unless it is one of a camera that is not ours.
func (l *Listener) on(ctx context.Context, key, camera, label string, since90k moonfirefs.Time90k) error {
	id, ok := l.config.Camera(camera)
	if !ok || id == uuid.Nil {
		l.log.Debug("event of a camera that is not here", "camera", camera)
		return nil
	}
	return l.tracker.On(ctx, key, id, label, since90k)
}
