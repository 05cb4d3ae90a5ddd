// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

const (
	// tableKey is that of the checksums of an object in its metadata.
	tableKey = "Moonfirefs-Blocks"
	// metaPrefix begins the headers of metadata.
	metaPrefix = "X-Amz-Meta-"
	// connectTimeout bounds the way to the object store.
	connectTimeout = 5 * time.Second
	// listPage is how many names an answer has.
	listPage = 1000
	// mebibyte is for what small things may take.
	mebibyte = 1 << 20
)

// bucket is a prefix in a bucket, as requests.
type bucket struct {
	*location
	client   *minio.Core
	patience time.Duration
	// ctx ends with close.
	ctx   context.Context //nolint:containedctx // that of all requests
	close func()
	// hurried is closed some time after hurry: what was under way by then ends.
	hurried chan struct{}
	counted sample.RemoteCounters

	mu sync.Mutex // guards what follows
	// hurrying says that no request may take long any more.
	hurrying bool
	// failing says that the last request was not answered.
	failing bool
}

// newBucket does no I/O.
func newBucket(l *location, patience time.Duration) (*bucket, error) {
	transport, err := minio.DefaultTransport(l.secure)
	if err != nil {
		return nil, fmt.Errorf("prepare requests to %s: %w", l, err)
	}
	transport.DialContext = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	transport.TLSHandshakeTimeout = connectTimeout
	transport.MaxIdleConnsPerHost = 2 * maxFetches
	client, err := minio.NewCore(l.host, &minio.Options{
		Creds: credentials.New(&provider{path: l.credentials}), Secure: l.secure, Region: l.region,
		Transport: transport, MaxRetries: 1,
	})
	if err != nil {
		return nil, invalid("%s: %v", l, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &bucket{location: l, client: client, patience: patience, hurried: make(chan struct{}), ctx: ctx, close: func() {
		cancel()
		transport.CloseIdleConnections()
	}}, nil
}

// hurry bounds what is under way, and what comes, to hurryPatience: the program ends.
func (b *bucket) hurry() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.hurrying {
		b.hurrying = true
		time.AfterFunc(min(hurryPatience, b.patience), func() { close(b.hurried) })
	}
}

// limit is how long requests for some bytes may take; interrupted ends those that have begun
// before hurry. It fails where nobody can wait for an object store that does not answer.
func (b *bucket) limit(sizeBytes int64) (limit time.Duration, interrupted <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch limit = b.patience + time.Duration(sizeBytes/leastBytesPerSecond)*time.Second; {
	case !b.hurrying:
		return limit, b.hurried, nil
	case b.failing:
		return 0, nil, errNoAnswer
	}
	return min(limit, hurryPatience), nil, nil
}

// noted remembers whether a request was answered.
func (b *bucket) noted(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failing = unanswered(meaning(err))
}

// isFailing tells whether the last request was not answered.
func (b *bucket) isFailing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failing
}

// found is what is known of an object.
type found struct {
	sizeBytes int64
	// table are its checksums.
	table string
}

// get reads a part of an object of a size. span says which, anew for each attempt, and take reads
// it: what it refuses is asked for again. unitBytes is what has to come within a patience.
func (b *bucket) get(
	ctx context.Context, name string, sizeBytes, unitBytes int64, span func() (from, to int64), take func(table string, body io.Reader) error,
) error {
	return b.retry(ctx, "read object "+name, unitBytes, func(ctx context.Context) error {
		from, to := span()
		return b.getOnce(ctx, name, sizeBytes, from, to, take)
	})
}

func (b *bucket) getOnce(ctx context.Context, name string, sizeBytes, from, to int64, take func(table string, body io.Reader) error) error {
	var o minio.GetObjectOptions
	if err := o.SetRange(from, to-1); err != nil {
		return err
	}
	body, _, header, err := b.client.GetObject(ctx, b.bucket, b.key(name), o)
	if err != nil {
		return err
	}
	defer body.Close()
	begins, totalBytes, ok := contentRange(header.Get("Content-Range"))
	if !ok || begins != from {
		return fmt.Errorf("asked for the bytes from %d, it answers with %q: %w", from, printable(header.Get("Content-Range")), errWrongBytes)
	}
	if totalBytes != sizeBytes {
		return fmt.Errorf("it has %d bytes instead of %d: %w", totalBytes, sizeBytes, moonfirefs.ErrCorrupt)
	}
	return take(header.Get(metaPrefix+tableKey), body)
}

// contentRange parses "bytes FROM-TO/TOTAL".
func contentRange(text string) (from, total int64, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes ")
	span, whole, found := strings.Cut(text, "/")
	first, _, both := strings.Cut(span, "-")
	from, err1 := strconv.ParseInt(first, 10, 64)
	total, err2 := strconv.ParseInt(whole, 10, 64)
	return from, total, ok && found && both && err1 == nil && err2 == nil
}

// printable is a header as it may be shown.
func printable(header string) string { return header[:min(len(header), 64)] }

// getSmall reads a whole object that is small.
func (b *bucket) getSmall(ctx context.Context, name string) (data []byte, err error) {
	err = b.retry(ctx, "read object "+name, 0, func(ctx context.Context) error {
		body, info, _, err := b.client.GetObject(ctx, b.bucket, b.key(name), minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		defer body.Close()
		if info.Size < 0 || info.Size > mebibyte {
			return fmt.Errorf("it has %d bytes: %w", info.Size, errRefused)
		}
		data = make([]byte, info.Size)
		return readFull(body, data)
	})
	return data, err
}

// copyTo writes a whole object of that size to w. It is not tried again once w has got
// anything.
func (b *bucket) copyTo(ctx context.Context, name string, w io.Writer) (sizeBytes int64, err error) {
	var body io.ReadCloser
	// The answer outlives the attempt that has begun it.
	ctx, cancel := b.within(ctx, b.hurried)
	defer cancel(nil)
	err = b.retry(ctx, "read object "+name, 0, func(limited context.Context) error {
		stop := context.AfterFunc(limited, func() { cancel(context.Cause(limited)) })
		var info minio.ObjectInfo
		body, info, _, err = b.client.GetObject(ctx, b.bucket, b.key(name), minio.GetObjectOptions{})
		stop()
		sizeBytes = info.Size
		return err
	})
	if err != nil {
		return 0, err
	}
	defer body.Close()
	idle := time.AfterFunc(b.patience, func() { cancel(errNoAnswer) })
	defer idle.Stop()
	n, err := io.CopyBuffer(w, &watched{body, idle, b.patience}, make([]byte, mebibyte))
	b.counted.ReceivedBytes.Add(n)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err == nil && n != sizeBytes {
		err = io.ErrUnexpectedEOF
	}
	b.noted(err)
	if err != nil {
		return n, fmt.Errorf("read object %s at %d: %w", name, n, err)
	}
	return n, nil
}

// watched puts off a timer whenever something comes.
type watched struct {
	io.Reader
	idle     *time.Timer
	patience time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.idle.Reset(w.patience)
	return n, err
}

// put makes an object, unless there is one of that name: then the error wraps fs.ErrExist.
// The object store verifies the SHA-256 before it makes the object.
func (b *bucket) put(ctx context.Context, name string, r io.ReaderAt, sizeBytes int64, digest [sha256.Size]byte, metadata map[string]string, isNew bool) error {
	return b.retry(ctx, "write object "+name, sizeBytes, func(ctx context.Context) error {
		o := minio.PutObjectOptions{UserMetadata: metadata, DisableMultipart: true}
		if isNew {
			o.SetMatchETagExcept("*")
		}
		_, err := b.client.PutObject(ctx, b.bucket, b.key(name), io.NewSectionReader(r, 0, sizeBytes), sizeBytes, "", hex.EncodeToString(digest[:]), o)
		if err == nil {
			b.counted.SentBytes.Add(sizeBytes)
		}
		return err
	})
}

// stat looks at an object.
func (b *bucket) stat(ctx context.Context, name string) (f found, err error) {
	err = b.retry(ctx, "look at object "+name, 0, func(ctx context.Context) error {
		info, err := b.client.StatObject(ctx, b.bucket, b.key(name), minio.StatObjectOptions{})
		f = found{info.Size, info.Metadata.Get(metaPrefix + tableKey)}
		return err
	})
	return f, err
}

// storedSHA256 asks for the SHA-256 that the object store has of an object; it is zero if there
// is none.
func (b *bucket) storedSHA256(ctx context.Context, name string) (digest [sha256.Size]byte, err error) {
	err = b.retry(ctx, "look at object "+name, 0, func(ctx context.Context) error {
		info, err := b.client.StatObject(ctx, b.bucket, b.key(name), minio.StatObjectOptions{Checksum: true})
		if raw, failed := base64.StdEncoding.DecodeString(info.ChecksumSHA256); failed == nil && len(raw) == len(digest) {
			digest = [sha256.Size]byte(raw)
		}
		return err
	})
	return digest, err
}

// remove removes objects, as many at a time as the object store takes. Those that are missing
// are no error.
func (b *bucket) remove(ctx context.Context, names []string) error {
	return b.retry(ctx, fmt.Sprintf("remove %d objects", len(names)), 0, func(ctx context.Context) error {
		wanted := make(chan minio.ObjectInfo, len(names))
		for _, name := range names {
			wanted <- minio.ObjectInfo{Key: b.key(name)}
		}
		close(wanted)
		var errs []error
		for failed := range b.client.RemoveObjects(ctx, b.bucket, wanted, minio.RemoveObjectsOptions{}) {
			if err := meaning(failed.Err); !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	})
}

// copyWithin copies an object to another name, without its bytes coming here.
func (b *bucket) copyWithin(ctx context.Context, from, to string) error {
	return b.retry(ctx, "copy object "+from, 0, func(ctx context.Context) error {
		_, err := b.client.Client.CopyObject(ctx, minio.CopyDestOptions{Bucket: b.bucket, Object: b.key(to)},
			minio.CopySrcOptions{Bucket: b.bucket, Object: b.key(from)})
		return err
	})
}

// list calls fn for the objects below the prefix, but not for those below another slash, a
// page at a time. It is not tried again once fn was called.
func (b *bucket) list(ctx context.Context, fn func([]minio.ObjectInfo) error) error {
	ctx, cancel := b.within(ctx, b.hurried)
	defer cancel(nil)
	idle := time.AfterFunc(b.patience, func() { cancel(errNoAnswer) })
	defer idle.Stop()
	var page []minio.ObjectInfo
	for info := range b.client.Client.ListObjects(ctx, b.bucket, minio.ListObjectsOptions{Prefix: b.prefix + "/", MaxKeys: listPage}) {
		idle.Reset(b.patience)
		if info.Err != nil {
			b.noted(info.Err)
			return fmt.Errorf("list objects: %w", meaning(errors.Join(context.Cause(ctx), info.Err)))
		}
		if page = append(page, info); len(page) == listPage {
			if err := fn(page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if err := context.Cause(ctx); err != nil {
		b.noted(err)
		return fmt.Errorf("list objects: %w", err)
	}
	b.noted(nil)
	return fn(page)
}

// locate asks in which region the bucket is.
func (b *bucket) locate(ctx context.Context) (region string, err error) {
	err = b.retry(ctx, "ask where the bucket is", 0, func(ctx context.Context) (err error) {
		region, err = b.client.GetBucketLocation(ctx, b.bucket)
		return err
	})
	return region, err
}

// putSmall makes an object of data.
func (b *bucket) putSmall(ctx context.Context, name string, data []byte, isNew bool) error {
	return b.put(ctx, name, bytes.NewReader(data), int64(len(data)), sha256.Sum256(data), nil, isNew)
}
