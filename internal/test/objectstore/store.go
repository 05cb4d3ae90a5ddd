// SPDX-License-Identifier: GPL-3.0-or-later

package objectstore

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket is the one that a store has.
const Bucket = "footage"

// Store is an object store that is empty, behind a proxy.
type Store struct {
	*Proxy
	// URL is that of a directory in its bucket.
	URL     string
	backend *s3mem.Backend
}

// Start starts a store, which ends with the test.
func Start(t testing.TB) *Store {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(Bucket); err != nil {
		t.Fatal(err)
	}
	s := &Store{backend: backend, Proxy: NewProxy(gofakes3.New(backend).Server())}
	server := httptest.NewUnstartedServer(s.Proxy)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of answers that end early
	server.Start()
	t.Cleanup(func() {
		s.Set(None)
		server.Close()
	})
	s.URL = server.URL + "/" + Bucket + "/home"
	return s
}

// Objects lists the keys of all objects.
func (s *Store) Objects(t testing.TB) (keys []string) {
	t.Helper()
	list, err := s.backend.ListBucket(Bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range list.Contents {
		keys = append(keys, object.Key)
	}
	return keys
}

// Spoil changes a byte of an object, whose checksums stay.
func (s *Store) Spoil(t testing.TB, key string) {
	t.Helper()
	s.replace(t, key, func(data []byte) []byte {
		data[len(data)/2] ^= 1
		return data
	})
}

// Truncate takes a byte off an object, whose checksums stay.
func (s *Store) Truncate(t testing.TB, key string) {
	t.Helper()
	s.replace(t, key, func(data []byte) []byte { return data[:len(data)-1] })
}

// Remove removes an object.
func (s *Store) Remove(t testing.TB, key string) {
	t.Helper()
	if _, err := s.backend.DeleteObject(Bucket, key); err != nil {
		t.Fatal(err)
	}
}

// Credentials writes a file with an access key, and returns its path.
func Credentials(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	text := "[default]\naws_access_key_id = TESTKEY\naws_secret_access_key = testsecretoftests\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *Store) replace(t testing.TB, key string, change func([]byte) []byte) {
	t.Helper()
	object, err := s.backend.GetObject(Bucket, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(object.Contents)
	if err != nil {
		t.Fatal(err)
	}
	data = change(bytes.Clone(data))
	if _, err := s.backend.PutObject(Bucket, key, object.Metadata, bytes.NewReader(data), int64(len(data)), nil); err != nil {
		t.Fatal(err)
	}
}
