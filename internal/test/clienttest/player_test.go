// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// player is a program that plays files, or tells about them.
type player interface {
	// name is that of the table's row, with the program's version.
	name(t *testing.T) string
	// play plays the movie to its end, and compares what it shows and says with
	// what was recorded.
	play(t *testing.T, path string, m *movie)
	// hear decodes the sound of the movie, or tells about it, and compares the number
	// of samples (of PCM) with what was recorded.
	hear(t *testing.T, path string, m *movie)
}

// seeker is a player that can begin anywhere.
type seeker interface {
	// seek looks at a few places of a movie.
	seek(t *testing.T, path string, m *movie)
}

// TestPlayers ensures that each player plays each kind of file to its end, with
// the right pictures, number of pictures and duration, and finds the right
// picture when it seeks.
func TestPlayers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	m := mount(t, s.store)
	before := digest(t, s.store)
	t.Run("all", func(t *testing.T) { // returns when all have ended
		all := []player{
			&ffmpeg{newViewer(t)}, &gstreamer{newViewer(t)}, &mediainfo{newViewer(t)},
			&vlc{newViewer(t)}, &chromium{newViewer(t)},
		}
		if *full {
			all = append(all, &mpv{newViewer(t)})
		}
		for _, p := range all {
			name := p.name(t)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				testPlayer(t, p, name, m, s)
			})
		}
	})
	if diff := cmp.Diff(before, digest(t, s.store)); diff != "" {
		t.Errorf("-the store was +the store is:\n%s", diff)
	}
}

func testPlayer(t *testing.T, p player, name string, server *server, s *scene) {
	for _, property := range players.properties {
		movies := s.movies[property]
		if movies == nil {
			continue // not a kind of file
		}
		players.check(t, name, property, func(t *testing.T) {
			t.Parallel()
			for _, m := range movies {
				p.play(t, server.path(m.path), &m)
				if m.takes[0].Audio != nil {
					p.hear(t, server.path(m.path), &m)
				}
			}
		})
	}
	if p, ok := p.(seeker); ok {
		players.check(t, name, "seek", func(t *testing.T) {
			t.Parallel()
			for _, property := range []string{"hour", "gap"} {
				m := &s.movies[property][0]
				p.seek(t, server.path(m.path), m)
			}
		})
	}
}

// pcmBytes is the size of a sample of sound, as programs are asked for it: 16 bits.
const pcmBytes = 2

// sameDuration requires what a player says to be right to the millisecond.
func sameDuration(t *testing.T, m *movie, says string, seconds float64) {
	t.Helper()
	if want := m.duration().Seconds(); math.Abs(seconds-want) > 0.001 {
		t.Errorf("%s: %s is %v s, want %v s", m.path, says, seconds, want)
	}
}

// sameSound requires all of the sound.
func sameSound(t *testing.T, m *movie, samples int) {
	t.Helper()
	if want := m.soundSamples(); samples != want {
		t.Errorf("%s: %d samples of sound, want %d", m.path, samples, want)
	}
}

// codec is how the movie is encoded.
func (m *movie) codec() teststore.Codec { return m.takes[0].Media.Params.Codec }
