// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"math/rand/v2"
	"testing"
)

// A list gives back what was put into it, in order, and its pieces are no more than it needs.
func TestItemList(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var l itemList
	appended, popped := int64(0), int64(0)
	for range 2000 {
		for range random.IntN(3 * pieceItems) {
			l.append(item{dts90k: appended})
			appended++
			if last := l.last(); last.dts90k != appended-1 {
				t.Fatalf("item %d is the last one after %d", last.dts90k, appended-1)
			}
		}
		for range random.IntN(3 * pieceItems) {
			if l.len == 0 {
				break
			}
			if it := l.pop(); it.dts90k != popped {
				t.Fatalf("got item %d, want %d", it.dts90k, popped)
			}
			popped++
		}
		pieces := 0
		for p := l.oldest; p != nil; p = p.next {
			pieces++
		}
		if want := int(appended - popped); l.len != want || pieces > want/pieceItems+2 {
			t.Fatalf("%d items in %d pieces, want %d items", l.len, pieces, want)
		}
	}
	for l.len > 0 {
		l.pop()
	}
	if l.last() != nil {
		t.Error("an empty list has a last item")
	}
	if n := testing.AllocsPerRun(100, func() {
		for range 3 * pieceItems / 2 {
			l.append(item{})
		}
		for l.len > 0 {
			l.pop()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
