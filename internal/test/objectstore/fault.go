// SPDX-License-Identifier: GPL-3.0-or-later

package objectstore

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Fault is what is wrong with a store.
type Fault int

// The faults of a store.
const (
	// None: it works.
	None Fault = iota
	// Frozen: it takes requests and answers none.
	Frozen
	// Busy: it answers 503.
	Busy
	// Truncated: its answers end half-way.
	Truncated
	// Wrong: a byte of each answer that has bytes of an object is another one.
	Wrong
	// ReadOnly: it refuses everything that s3:GetObject does not allow.
	ReadOnly
	// Skewed: it refuses everything, since the clock of whoever asks is wrong.
	Skewed
)

// Proxy passes requests on to a store as long as there is no fault.
type Proxy struct {
	to http.Handler

	mu sync.Mutex // guards what follows
	// fault is the present one, over is closed when it ends.
	fault Fault
	over  chan struct{}
	// frozen is an object of which no request is answered; "" for none.
	frozen string
	// requests counts them by method, refused those that were refused.
	requests map[string]int
	refused  int
	// delay is how long each request is on its way.
	delay time.Duration
	// key is the one that the last request was signed by.
	key string
}

// NewProxy returns one without a fault.
func NewProxy(to http.Handler) *Proxy {
	return &Proxy{to: to, over: make(chan struct{}), requests: make(map[string]int)}
}

// Set has the store fail in another way from now on, or work.
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	close(p.over)
	p.over = make(chan struct{})
}

// Freeze has requests for one object not answered from now on, and for the one before again; ""
// is none.
func (p *Proxy) Freeze(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = key
	close(p.over)
	p.over = make(chan struct{})
}

// Requests is how many there were of a method, such as GET.
func (p *Proxy) Requests(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[method]
}

// Refused is how many requests were refused, while the fault was ReadOnly or Skewed.
func (p *Proxy) Refused() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

// LastKey is the access key that the last request was signed by.
func (p *Proxy) LastKey() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.key
}

// readsObject tells whether s3:GetObject allows a request.
func readsObject(r *http.Request) bool {
	_, key, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && key != ""
}

func (p *Proxy) refuse(w http.ResponseWriter, code string) {
	p.mu.Lock()
	p.refused++
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>No</Message></Error>")
}

// SetDelay has each request take as much longer from now on.
func (p *Proxy) SetDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *Proxy) wait() {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	time.Sleep(delay)
}

func (p *Proxy) begin(r *http.Request) (f Fault, over <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests[r.Method]++
	if _, signed, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		p.key, _, _ = strings.Cut(signed, "/")
	}
	if p.frozen != "" && strings.HasSuffix(r.URL.Path, "/"+p.frozen) {
		return Frozen, p.over
	}
	return p.fault, p.over
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.wait()
	switch f, over := p.begin(r); f {
	case Frozen:
		select {
		case <-over:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case Busy:
		w.WriteHeader(http.StatusServiceUnavailable)
	case Truncated, Wrong:
		p.spoil(w, r, f)
	case ReadOnly:
		if !readsObject(r) {
			p.refuse(w, "AccessDenied")
			return
		}
		p.to.ServeHTTP(w, r)
	case Skewed:
		p.refuse(w, "RequestTimeTooSkewed")
	default:
		p.to.ServeHTTP(w, r)
	}
}

// spoil answers with something else than the store does.
func (p *Proxy) spoil(w http.ResponseWriter, r *http.Request, f Fault) {
	answer := httptest.NewRecorder()
	p.to.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	isObject := r.Method == http.MethodGet && answer.Code/100 == 2 && !strings.Contains(answer.Header().Get("Content-Type"), "xml")
	if f == Wrong && isObject && len(body) > 0 {
		body[len(body)/2] ^= 0x20
	}
	w.WriteHeader(answer.Code)
	if f == Truncated && len(body) > 0 {
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}
