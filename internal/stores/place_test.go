// SPDX-License-Identifier: GPL-3.0-or-later

package stores

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestParsePlaces ensures that stores are called as their folder or as they are named, and
// that names which cannot be told apart are refused.
func TestParsePlaces(t *testing.T) {
	tests := []struct {
		texts []string
		want  []Place
	}{
		{[]string{"/srv/house", "/srv/barn/"}, []Place{{"house", "/srv/house"}, {"barn", "/srv/barn/"}}},
		{[]string{"a=/srv/nvr", "b=/media/nvr"}, []Place{{"a", "/srv/nvr"}, {"b", "/media/nvr"}}},
		{[]string{"/srv/a=b"}, []Place{{"a=b", "/srv/a=b"}}},
		{[]string{"/srv/nvr", "/media/nvr"}, nil},
		{[]string{"/srv/nvr", "NVR=/media/x"}, nil},
		{[]string{"a@b=/srv/nvr"}, nil},
		{[]string{"/"}, nil},
	}
	for _, test := range tests {
		got, err := ParsePlaces(test.texts)
		if !slices.Equal(got, test.want) || (test.want == nil) != errors.Is(err, moonfirefs.ErrInvalid) {
			t.Errorf("%q: %v, %v", test.texts, got, err)
		}
	}
}

// TestPlacesIn ensures that the folders with an index are found, and nothing else.
func TestPlacesIn(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"house", "b@rn"} {
		if err := teststore.Create(t.Context(), filepath.Join(folder, name), "UTC"); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(os.Mkdir(filepath.Join(folder, "empty"), 0o755), os.WriteFile(filepath.Join(folder, "file"), nil, 0o600),
		os.Symlink("house", filepath.Join(folder, "link")), os.Symlink("house", filepath.Join(folder, ".hidden")))
	if err != nil {
		t.Fatal(err)
	}
	found, unusable, err := PlacesIn(folder)
	want := []Place{{"house", filepath.Join(folder, "house")}, {"link", filepath.Join(folder, "link")}}
	if err != nil || !slices.Equal(found, want) || len(unusable) != 1 {
		t.Errorf("%v, unusable %q, %v", found, unusable, err)
	}
}
