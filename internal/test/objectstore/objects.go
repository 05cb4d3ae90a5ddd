// SPDX-License-Identifier: GPL-3.0-or-later

package objectstore

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"
)

// memory are objects in the process of the test.
type memory struct{ backend *s3mem.Backend }

func (m memory) keys() (keys []string, err error) {
	list, err := m.backend.ListBucket(Bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil, err
	}
	for _, object := range list.Contents {
		keys = append(keys, object.Key)
	}
	return keys, nil
}

func (m memory) change(key string, change func([]byte) []byte) error {
	object, err := m.backend.GetObject(Bucket, key, nil)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(object.Contents)
	if err != nil {
		return err
	}
	data = change(bytes.Clone(data))
	_, err = m.backend.PutObject(Bucket, key, object.Metadata, bytes.NewReader(data), int64(len(data)), nil)
	return err
}

func (m memory) remove(key string) error {
	_, err := m.backend.DeleteObject(Bucket, key)
	return err
}

// served are objects of a server, which is asked without the proxy.
type served struct{ client *minio.Client }

func (s served) keys() (keys []string, err error) {
	for object := range s.client.ListObjects(context.Background(), Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if object.Err != nil {
			return nil, object.Err
		}
		keys = append(keys, object.Key)
	}
	return keys, nil
}

func (s served) change(key string, change func([]byte) []byte) error {
	object, err := s.client.GetObject(context.Background(), Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer object.Close()
	data, err := io.ReadAll(object)
	if err != nil {
		return err
	}
	info, err := object.Stat()
	if err != nil {
		return err
	}
	data = change(data)
	_, err = s.client.PutObject(context.Background(), Bucket, key, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{UserMetadata: info.UserMetadata})
	return err
}

func (s served) remove(key string) error {
	return s.client.RemoveObject(context.Background(), Bucket, key, minio.RemoveObjectOptions{})
}

// files are objects as files in a folder.
type files struct{ folder string }

func (f files) keys() (keys []string, err error) {
	err = filepath.WalkDir(f.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		key, err := filepath.Rel(f.folder, path)
		if key[0] != '.' { // what is being written
			keys = append(keys, key)
		}
		return err
	})
	return keys, err
}

// change keeps the inode, whose attributes are the object's metadata.
func (f files) change(key string, change func([]byte) []byte) error {
	path := filepath.Join(f.folder, key)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(data), 0o600)
}

func (f files) remove(key string) error { return os.Remove(filepath.Join(f.folder, key)) }
