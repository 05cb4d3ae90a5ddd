// SPDX-License-Identifier: GPL-3.0-or-later

package rtsp

import (
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// defaultSessionTimeout is that of sessions of which the camera says nothing
	// (RFC 2326 §12.37).
	defaultSessionTimeout = 60 * time.Second
	// Bounds of how often something is sent to keep a session alive. There are cameras that
	// announce a timeout of a second.
	minAliveEvery = 300 * time.Millisecond
	maxAliveEvery = 25 * time.Second
	// suspicious is after which silence of a camera it is found out whether its host still
	// answers, and notAnswering after which it is taken for gone if that does not. What is
	// shorter, TCP bridges without a loss.
	suspicious   = 2 * time.Second
	notAnswering = 4 * time.Second
	// probeEvery is that if it is to be known soon what the camera accepts.
	probeEvery = 2 * time.Second
	// forgottenAfter is after which silence a camera that does not know the session any more,
	// as it says, will send nothing.
	forgottenAfter = time.Second
	// hangUpWithin is how soon a camera hangs up that cannot bear a request.
	hangUpWithin = 2 * time.Second
)

// Habits are what sessions have learned of a camera, for those after them. The zero value
// knows nothing. It may be used from any goroutine.
type Habits struct {
	mu sync.Mutex // guards what follows
	// unbearable are the methods after which it has hung up.
	unbearable []string
}

// avoid notes that a camera cannot bear a method.
func (h *Habits) avoid(method string) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.unbearable, method) {
		h.unbearable = append(h.unbearable, method)
	}
}

func (h *Habits) avoids(method string) bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.unbearable, method)
}

// keepAlive sends what keeps a session alive: OPTIONS, GET_PARAMETER and, if the camera
// announces it, SET_PARAMETER in turn, each of them before the session is over. Cameras there are that take only the one for a sign
// of life and only the other, whatever they announce, and one learns which when the
// session is gone. A method that is refused is not sent again.
type keepAlive struct {
	every time.Duration
	next  time.Time
	// methods are what is sent in turn, turn the next one of them.
	methods []string
	turn    int
	// sent is the method that was sent last, with a number and at a time; the number is
	// 0 once it is answered.
	sent   string
	number int
	at     time.Time
	// announced says that the camera announces what was sent.
	announced func(method string) bool
	// worked are the methods that were accepted.
	worked []string
}

// start begins when the camera plays.
func (k *keepAlive) start(timeout time.Duration, public []string, habits *Habits, now time.Time) {
	k.every = min(max(timeout/3, minAliveEvery), maxAliveEvery)
	k.next = now.Add(k.every)
	k.announced = func(method string) bool { return slices.Contains(public, method) }
	k.methods = []string{"OPTIONS", "GET_PARAMETER"}
	if k.announced("GET_PARAMETER") {
		slices.Reverse(k.methods)
	}
	if k.announced("SET_PARAMETER") {
		// Each comes before the session is over all the same.
		k.methods = append(k.methods, "SET_PARAMETER")
		k.every = min(k.every, max(timeout/4, minAliveEvery))
		k.next = now.Add(k.every)
	}
	k.methods = slices.DeleteFunc(k.methods, func(method string) bool { return habits.avoids(method) })
	if len(k.methods) == 0 {
		k.methods = []string{"OPTIONS"}
	}
}

// probe has each method sent soon, to see what the camera says to it.
func (k *keepAlive) probe(now time.Time) {
	k.every = min(k.every, probeEvery)
	k.next = now.Add(probeEvery / 2)
}

// due is the method to send now; empty if none is.
func (k *keepAlive) due(now time.Time) string {
	if len(k.methods) == 0 || now.Before(k.next) {
		return ""
	}
	method := k.methods[k.turn%len(k.methods)]
	k.turn++
	k.next = now.Add(k.every)
	return method
}

// expects tells whether an answer is to what was sent last.
func (k *keepAlive) expects(m *message) bool { return k.number != 0 && m.cSeq() == k.number }

// answered takes an answer.
func (k *keepAlive) answered(code int) {
	k.number = 0
	switch code {
	case statusOK:
		if !slices.Contains(k.worked, k.sent) {
			k.worked = append(k.worked, k.sent)
		}
	case statusNotAllowed, statusNotImplemented, statusOptionNotSupported:
		if len(k.methods) > 1 {
			k.methods = slices.DeleteFunc(k.methods, func(method string) bool { return method == k.sent })
		}
	}
}

// hungUp notes that the camera has closed the connection: where that was the answer to
// something that it does not announce, it is not sent again.
func (k *keepAlive) hungUp(habits *Habits, now time.Time) {
	if k.number != 0 && now.Sub(k.at) < hangUpWithin && !k.announced(k.sent) {
		habits.avoid(k.sent)
	}
}

// keepAlive sends what is due, and finds out whether the camera is still there.
func (c *Conn) keepAlive(now time.Time) error {
	silent := now.Sub(c.heard)
	switch {
	case c.deliver == nil:
		return nil
	case c.forgotten:
		return ErrForgotten
	case silent >= min(c.cfg.Timeout, notAnswering) && c.wire.unsent() > 0:
		return &NoAnswerError{Within: min(c.cfg.Timeout, notAnswering)}
	case silent >= min(c.cfg.Timeout/2, suspicious) && c.alive.at.Before(c.heard):
		// It should answer this, if it is there; its kernel does in any case.
		c.alive.next = now
	}
	method := c.alive.due(now)
	if method == "" {
		return nil
	}
	number, err := c.send(method, c.aggregate)
	c.alive.sent, c.alive.number, c.alive.at = method, number, now
	return err
}

// takeAnswers looks at answers that nobody waits for.
func (c *Conn) takeAnswers() {
	for _, m := range c.answers {
		// Some say so and play all the same.
		if m.code == statusSessionNotFound && time.Since(c.played) >= forgottenAfter {
			c.forgotten = true
		}
		if !c.alive.expects(m) {
			continue
		}
		if m.code == statusUnauthorized {
			if c.auth.challenge(m.header["Www-Authenticate"]) == nil {
				c.alive.turn, c.alive.next = c.alive.turn-1, time.Time{} // again, with the new nonce
			}
		} else if m.code < 300 {
			c.auth.accepted = c.auth.chosen != nil
		}
		c.alive.answered(m.code)
	}
	c.answers = nil
}

// KeptAliveBy tells what the camera has accepted as a sign of life; empty before the
// first.
func (c *Conn) KeptAliveBy() string { return strings.Join(c.alive.worked, ", ") }
