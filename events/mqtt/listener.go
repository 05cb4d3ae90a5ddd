// SPDX-License-Identifier: GPL-3.0-or-later

package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
	// answerTimeout is how long to connect or to subscribe may take in all: the library tries to
	// connect twice, by two versions of the protocol.
	answerTimeout = 3 * connectTimeout
	// subscriptionRefused is how a broker answers instead (MQTT 3.1.1 §3.9.3).
	subscriptionRefused = 0x80
	// farewell is how long a broker has to take leave.
	farewell = 250 * time.Millisecond
	// restPerMessage and restPerMiB bound how many messages are read in a second, and how much.
	restPerMessage = time.Millisecond
	restPerMiB     = 250 * time.Millisecond
	// atLeastOnce is a quality of service.
	atLeastOnce = 1
)

// Listener listens to a broker until it is closed.
type Listener struct {
	config   Config
	tracker  *events.Tracker
	failures *events.Failures
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
		config: c, tracker: events.NewTracker(d, source), failures: events.NewFailures(log, source), log: log,
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
	l.running.Go(func() { l.tracker.Run(ctx, l.failures.Failed) })
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
		SetCustomOpenConnectionFn(opener(len(l.topics()))).
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
				l.interrupt(ctx)
			}
		}
		if ctx.Err() != nil {
			return
		}
		if text := events.Told(err); text != told { // once, and not every half a minute
			l.log.Warn("no events from the MQTT broker; trying again", "err", text)
			told = text
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// interrupt ends what goes on, once what has come before is stored. It waits for its turn however
// much that is.
func (l *Listener) interrupt(ctx context.Context) {
	select {
	case <-ctx.Done():
	case l.queue <- func(ctx context.Context) { l.told(l.tracker.Interrupt(ctx)) }:
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
	if err := l.subscribe(ctx); err != nil {
		l.client.Disconnect(uint(farewell.Milliseconds()))
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// subscribe fails if the broker refuses all topics.
func (l *Listener) subscribe(ctx context.Context) error {
	t := l.client.SubscribeMultiple(l.topics(), l.receive)
	if err := done(ctx, t); err != nil {
		return err
	}
	answers := t.(*paho.SubscribeToken).Result()
	var refused []string
	for topic, code := range answers {
		if code >= subscriptionRefused {
			refused = append(refused, topic)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	slices.Sort(refused)
	if len(refused) == len(answers) {
		return fmt.Errorf("the broker refuses %.200q", refused)
	}
	l.log.Warn("the MQTT broker refuses topics", "topics", refused)
	return nil
}

// done waits for what the library does, which some brokers never answer.
func done(ctx context.Context, t paho.Token) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(answerTimeout):
		return fmt.Errorf("no answer from the broker within %v", answerTimeout)
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

// receive is called by the library, which waits for it. What waits in the queue is small: the
// message has been read.
func (l *Listener) receive(_ paho.Client, m paho.Message) {
	topic, payload := m.Topic(), m.Payload()
	// However fast a broker is, recording needs the processor more.
	defer time.Sleep(restPerMessage + restPerMiB*time.Duration(len(payload))>>20)
	if s, ok := l.switches[topic]; ok {
		if state := parseState(payload); state != unknown {
			l.enqueue(func(ctx context.Context) { l.told(l.takeSwitch(ctx, &s, state)) })
			return
		}
	} else if e, ok := parseFrigate(payload); ok && !m.Retained() {
		// What a broker has retained of an event is over, or is told again.
		l.enqueue(func(ctx context.Context) { l.told(l.takeFrigate(ctx, &e)) })
		return
	}
	l.log.Debug("message is not understood", "topic", topic, "bytes", len(payload))
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
		l.failures.Failed(err)
	}
}

// takeFrigate takes an event of Frigate. Of one that was not heard of before, its end has all that
// there is to tell, unless it has turned out to be none.
func (l *Listener) takeFrigate(ctx context.Context, e *frigateEvent) error {
	key, over := "frigate "+e.After.ID, e.Type == "end"
	if !over || !e.After.FalsePositive {
		if err := l.on(ctx, key, e.After.Camera, e.After.Label, e.since90k()); err != nil {
			return err
		}
	}
	if !over {
		return nil
	}
	return l.tracker.Off(ctx, key)
}

func (l *Listener) takeSwitch(ctx context.Context, s *Switch, now state) error {
	key := "switch " + s.Topic
	if now == on {
		return l.on(ctx, key, s.Camera, s.Label, moonfirefs.FromTime(time.Now()))
	}
	return l.tracker.Off(ctx, key)
}

// on begins an event, unless it is one of a camera that is not ours.
func (l *Listener) on(ctx context.Context, key, camera, label string, since90k moonfirefs.Time90k) error {
	if l.tracker.Ongoing(key) {
		return nil
	}
	id, ok := l.config.Camera(camera)
	if !ok || id == uuid.Nil {
		l.log.Debug("event of a camera that is not here", "camera", camera)
		return nil
	}
	return l.tracker.On(ctx, key, id, label, since90k)
}
