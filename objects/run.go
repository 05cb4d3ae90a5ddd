// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// runBytes is how much is asked for by one request for what will be read soon.
const runBytes = 4 << 20

// run are blocks of an object that follow one another, from the first one on. Those that are
// not wanted are nil.
type run struct {
	first  blockKey
	wanted []*arrival
}

func (r run) key(i int) blockKey { return r.first.plus(i) }

// from is what is left of a run without its first blocks.
func (r run) from(i int) run { return run{r.first.plus(i), r.wanted[i:]} }

// next is the first part of a run of which everything is wanted, and what follows that.
func (r run) next() (part, rest run) {
	for len(r.wanted) > 0 && r.wanted[0] == nil {
		r = r.from(1)
	}
	n := 0
	for n < len(r.wanted) && r.wanted[n] != nil {
		n++
	}
	return run{r.first, r.wanted[:n]}, r.from(n)
}

// ahead has blocks come for later, unless they are there or on their way.
func (b *blocks) ahead(first blockKey, count int) {
	most := max(1, int(runBytes/blockBytesOf(first.sizeBytes)))
	for i := 0; i < count; i += most {
		r := run{first.plus(i), make([]*arrival, min(most, count-i))}
		if b.enlist(r) {
			b.wg.Go(func() { b.later(r) })
		}
	}
}

// advise has the disk of the cache read what it may have of n bytes at an offset of an object. It
// does not wait.
func (b *blocks) advise(key blockKey, offset, n int64) {
	if f := b.cached(key); f != nil {
		defer f.Release()
		f.willNeed(offset, n)
	}
}

// enlist fills in what is to come for later, and tells whether there is any. If so, somebody
// has been counted whom close waits for.
func (b *blocks) enlist(r run) (any bool) {
	for i := range r.wanted {
		if _, ok := b.memory.Get(r.key(i)); !ok && !b.onDisk(r.key(i)) {
			r.wanted[i] = newArrival()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, a := range r.wanted {
		switch key := r.key(i); {
		case a == nil:
		case b.coming[key] != nil || b.closed:
			r.wanted[i] = nil
		default:
			b.coming[key], any = a, true
		}
	}
	return any
}

// slotTime is after how long a request for later no longer keeps others from being made: the
// object store may never answer it, and answer for other objects at once.
const slotTime = 2 * time.Second

// later has blocks come that nobody waits for yet, as soon as there are not too many others.
func (b *blocks) later(r run) {
	select {
	case b.slots <- struct{}{}:
		leave := sync.OnceFunc(func() { <-b.slots })
		defer leave()
		defer time.AfterFunc(slotTime, leave).Stop()
	case <-b.ctx.Done():
	}
	b.begin(r)
	b.obtain(r)
}

// begin leaves out of a run what a reader could not wait for, and fetches itself.
func (b *blocks) begin(r run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, a := range r.wanted {
		switch {
		case a == nil:
		case b.coming[r.key(i)] == a:
			a.begun = true
		default:
			r.wanted[i] = nil
		}
	}
}

// obtain has all blocks of a run that are wanted arrive, those that the cache has without a
// request.
func (b *blocks) obtain(r run) {
	b.find(r)
	for len(r.wanted) > 0 {
		var part run
		part, r = r.next()
		b.fetch(part)
	}
}

// find takes out of a run what is there after all. Here, blocks that an earlier process has
// left are compared with their checksums.
func (b *blocks) find(r run) {
	f := b.cached(r.first)
	if f != nil {
		defer f.Release()
	}
	for i, a := range r.wanted {
		if a == nil {
			continue
		}
		data, ok := b.memory.Get(r.key(i))
		if !ok && (a.inMemory || f == nil || !f.has(r.key(i).block)) {
			continue
		}
		b.arrived(r.key(i), a, data, nil)
		r.wanted[i] = nil
	}
}

// fetch has the blocks of a run, which are all wanted, come from the bucket. One that is damaged
// costs no other one.
func (b *blocks) fetch(r run) {
	for len(r.wanted) > 0 {
		came, err := b.request(r)
		r = r.from(came)
		failed := len(r.wanted)
		if isWrong(err) {
			failed = min(failed, 1)
		}
		for i, a := range r.wanted[:failed] {
			a.asked = true
			b.arrived(r.key(i), a, nil, err)
		}
		r = r.from(failed)
	}
}

// request asks for the blocks of a run, and tells how many have come. There is an error if
// those are not all. What had come before an answer ended early is not asked for again.
func (b *blocks) request(r run) (came int, err error) {
	began := time.Now()
	defer func() { b.bucket.counted.Fetches.Observe(time.Since(began)) }()
	_, blockBytes := r.first.extent()
	buffer := newBuffer(blockBytes)
	defer buffer.free()
	last, n := r.key(len(r.wanted) - 1).extent()
	err = b.bucket.get(b.ctx, r.first.name.String(), r.first.sizeBytes, blockBytes, func() (from, to int64) {
		from, _ = r.key(came).extent()
		return from, last + n
	}, func(text string, body io.Reader) error {
		t, err := parseTable(text, r.first.sizeBytes)
		for ; err == nil && came < len(r.wanted); came++ {
			if err = b.receive(r.key(came), r.wanted[came], t, body, buffer.data); err != nil {
				return err
			}
		}
		return err
	})
	return came, err
}

// receive reads a block from an answer and compares it with its checksum. Bytes that differ go
// nowhere.
func (b *blocks) receive(key blockKey, a *arrival, t table, body io.Reader, buffer []byte) error {
	_, n := key.extent()
	data := buffer[:n]
	if err := readFull(body, data); err != nil {
		return err
	}
	b.bucket.counted.ReceivedBytes.Add(n)
	if blockSum(key.name, key.block, data) != t[key.block] {
		return fmt.Errorf("block %d differs from its checksum: %w", key.block, errWrongBytes)
	}
	a.asked = true
	if b.keep(key, t, data) && !a.inMemory {
		b.arrived(key, a, nil, nil)
		return nil
	}
	data = bytes.Clone(data)
	b.memory.Put(key, data)
	b.arrived(key, a, data, nil)
	return nil
}

// keep has the cache keep a block that was verified, and tells whether it does.
func (b *blocks) keep(key blockKey, t table, data []byte) bool {
	if b.disk == nil {
		return false
	}
	f, err := b.disk.make(key.name, key.sizeBytes, t)
	if err != nil {
		return false
	}
	defer f.Release()
	if err := f.write(key.block, data); err != nil {
		b.disk.mu.Lock()
		defer b.disk.mu.Unlock()
		b.disk.pause(err)
		return false
	}
	return true
}

// buffer is for a block on its way.
type buffer struct {
	data   []byte
	pooled *[]byte
}

var buffers = sync.Pool{New: func() any {
	data := make([]byte, leastBlockBytes)
	return &data
}}

func newBuffer(n int64) buffer {
	if n > leastBlockBytes {
		return buffer{data: make([]byte, n)}
	}
	pooled := buffers.Get().(*[]byte)
	return buffer{*pooled, pooled}
}

func (b buffer) free() {
	if b.pooled != nil {
		buffers.Put(b.pooled)
	}
}
