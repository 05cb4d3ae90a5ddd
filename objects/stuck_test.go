// SPDX-License-Identifier: GPL-3.0-or-later

package objects_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/objects"
)

// TestFrozenObject ensures that readers who wait for an object that the object store never
// answers for delay nobody who reads another one of the same bucket, ahead included, and that
// they get their bytes once it does.
func TestFrozenObject(t *testing.T) {
	const readers, readBytes, requestsAhead = 32, 1 << 20, 8
	f := newFixture(t, objects.Options{Patience: wait.Limit})
	frozen, sound := uuid.New(), uuid.New()
	data, other := f.publish(frozen, readers*readBytes), f.publish(sound, 4*readBytes)
	f.store.Freeze(frozen.String())
	asked := f.store.Requests("GET")
	f.readAhead(frozen, int64(len(data)), 0, int64(len(data)))
	wait.Until(t, "requests to be stuck", func() bool { return f.store.Requests("GET") >= asked+requestsAhead })
	var stuck errgroup.Group
	for reader := range readers {
		stuck.Go(func() error { return f.compare(frozen, data, reader*readBytes, readBytes) })
	}
	returned := make(chan error, 1)
	go func() { returned <- stuck.Wait() }()

	read := make(chan error, 1)
	go func() { read <- f.compare(sound, other, 0, readBytes) }()
	if err, ok := wait.Receive(read); err != nil || !ok {
		t.Errorf("who reads another object waits for the frozen one: %v", err)
	}
	// What nobody waits for comes as well.
	received := &f.dir.Counters().ReceivedBytes
	before := received.Load()
	f.readAhead(sound, int64(len(other)), 2*readBytes, readBytes)
	wait.Until(t, "another object to be read ahead", func() bool { return received.Load() >= before+readBytes })
	select {
	case err := <-returned:
		t.Fatalf("the object was not frozen: %v", err)
	default:
	}
	f.store.Freeze("")
	if err, ok := wait.Receive(returned); err != nil || !ok {
		t.Errorf("once the object store answers: %v", err)
	}
}

// readAhead has n bytes of an object fetched for later.
func (f *fixture) readAhead(name uuid.UUID, sizeBytes, offset, n int64) {
	f.Helper()
	file, err := f.dir.Open(name, sizeBytes)
	f.must(err)
	defer file.Release()
	file.(interface{ WillNeed(offset, n int64) }).WillNeed(offset, n)
}

// compare reads n bytes of an object that has some data.
func (f *fixture) compare(name uuid.UUID, data []byte, offset, n int) error {
	file, err := f.dir.Open(name, int64(len(data)))
	if err != nil {
		return err
	}
	defer file.Release()
	p := make([]byte, n)
	if err := file.ReadAt(p, int64(offset)); err != nil {
		return err
	}
	if !bytes.Equal(p, data[offset:offset+n]) {
		return errors.New("other bytes")
	}
	return nil
}
