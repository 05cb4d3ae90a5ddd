// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"slices"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// TierStatus says how the moving of a stream's footage to its tier is going. Counters start
// at 0 with Open.
type TierStatus struct {
	Stream moonfirefs.StreamID
	// Recordings and Bytes have moved. Damaged are recordings that cannot, since their
	// sample files are damaged.
	Recordings, Bytes, Damaged int64
	// LateBy is for how long the recording has been waiting that is to move next; 0 if none
	// waits.
	LateBy time.Duration
	// Error says why footage cannot move at present; empty if it can.
	Error string
}

// moverStatus is the TierStatus of all streams.
type moverStatus struct {
	mu sync.Mutex // guards what follows
	// now has those of streams with a tier; errs is what their errors are made of.
	now  map[moonfirefs.StreamID]*TierStatus
	errs map[moonfirefs.StreamID]error
}

// keep forgets the streams that have no tier any more.
func (s *moverStatus) keep(tiers []moonfirefs.Tier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		s.now, s.errs = make(map[moonfirefs.StreamID]*TierStatus), make(map[moonfirefs.StreamID]error)
	}
	for id := range s.now {
		if !slices.ContainsFunc(tiers, func(t moonfirefs.Tier) bool { return t.Stream == id }) {
			delete(s.now, id)
			delete(s.errs, id)
		}
	}
	for _, t := range tiers {
		if s.now[t.Stream] == nil {
			s.now[t.Stream] = &TierStatus{Stream: t.Stream}
		}
	}
}

// due notes what is to move at a time.
func (s *moverStatus) due(t *moonfirefs.Tier, moves []index.Move, now90k moonfirefs.Time90k) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[t.Stream].LateBy = 0
	if len(moves) > 0 {
		s.now[t.Stream].LateBy = max(now90k.Sub(moves[0].End90k().Add(t.After90k)), 0).Duration()
	}
}

func (s *moverStatus) moved(t *moonfirefs.Tier, m *index.Move) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[t.Stream].Recordings++
	s.now[t.Stream].Bytes += m.SampleFileBytes
}

func (s *moverStatus) damaged(t *moonfirefs.Tier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[t.Stream].Damaged++
}

// failed notes how the last moves went, and tells whether err is news.
func (s *moverStatus) failed(t *moonfirefs.Tier, err error) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = err != nil && isNews(s.errs[t.Stream], err)
	s.errs[t.Stream] = err
	s.now[t.Stream].Error = causeText(err)
	return news
}

func (s *moverStatus) read() []TierStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]TierStatus, 0, len(s.now))
	for _, now := range s.now {
		all = append(all, *now)
	}
	slices.SortFunc(all, func(a, b TierStatus) int { return int(a.Stream - b.Stream) })
	return all
}

// TierStatus tells how footage moves to the tiers of streams, by stream; there is none
// before Open. It may be called at any time and does not wait.
func (r *Recorder) TierStatus() []TierStatus {
	r.mu.Lock()
	m := r.mover
	r.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.status.read()
}
