// SPDX-License-Identifier: GPL-3.0-or-later

package crashtest

import (
	"fmt"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/objectstore"
	"github.com/moonfirefs/moonfirefs/objects"
)

// newBucketSite makes a site whose footage moves to a bucket at once, where retention deletes
// all the time.
func newBucketSite(t *testing.T) (*site, *objectstore.Store) {
	t.Helper()
	bucket := objectstore.Start(t)
	s := newUnmovedSite(t, t.TempDir())
	url, err := objects.Locate(t.Context(), bucket.URL, objectstore.Credentials(t), objects.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := store.AddDir(t.Context(), s.path, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.moveTo(dir.ID)
	return s, bucket
}

// committed is how many recordings were.
func (p *program) committed() int {
	promises, _ := p.promises() // of a log that is being written
	return len(promises)
}

// TestBucketFailpoints ensures that SIGKILL before and after each step of a move to a bucket
// loses nothing, leaves nothing twice, and no object that belongs to nothing.
func TestBucketFailpoints(t *testing.T) {
	t.Parallel()
	s, _ := newBucketSite(t)
	s.killAtMoves("SIGKILL at each step of a move to a bucket")
}

// TestBucketKills ensures the same of SIGKILL at any moment while footage moves to a bucket.
func TestBucketKills(t *testing.T) {
	t.Parallel()
	s, _ := newBucketSite(t)
	s.killWhileMoving("SIGKILL while footage moves to a bucket")
}

// TestBucketErrors ensures that an error of each step of a move to a bucket loses nothing, and
// that moving goes on.
func TestBucketErrors(t *testing.T) {
	t.Parallel()
	if !isLong() {
		t.Skip("TestMoveErrors has the same steps")
	}
	s, _ := newBucketSite(t)
	s.failAtMoves("each step of a move to a bucket reports an error")
}

// TestBucketFaults ensures that an object store that fails in any way while footage moves costs
// nothing, whether or not the program is killed then, and that moving goes on by itself.
func TestBucketFaults(t *testing.T) {
	t.Parallel()
	s, bucket := newBucketSite(t)
	s.warmUp()
	faults := []objectstore.Fault{objectstore.Frozen, objectstore.Busy, objectstore.Truncated, objectstore.Wrong, objectstore.ReadOnly}
	s.repeat("the object store fails while footage moves", tries(len(faults), 8*len(faults)), func(i int) []string {
		p := s.start("")
		p.waitUntil(func() bool { return p.moves(1 + i%3) })
		bucket.Set(faults[i%len(faults)])
		committed := p.committed()
		p.waitUntil(func() bool { return p.committed() > committed+2*cameraCount })
		if i%2 == 1 {
			s.kill()
			bucket.Set(objectstore.None)
			return nil
		}
		bucket.Set(objectstore.None)
		moved := p.moved()
		if !p.waitUntil(func() bool { return p.moved() > moved }) {
			return []string{fmt.Sprintf("after fault %d, moving does not go on:\n%s", faults[i%len(faults)], tail(p.log(), 20))}
		}
		return s.stopAndInspect()
	})
}
