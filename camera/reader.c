#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavutil/time.h>

#include "reader.h"

/* How many packets wait for Go at most, and how many bytes they have before the last of
 * them. More wait in the kernel, and then at the camera. */
#define MAX_PACKETS 256
#define MAX_BYTES (16 << 20)

/* How long a packet may wait until Go is told, unless something else is told of. */
#define MAX_WAIT_US 200000

void moonfireEnterLibav(uintptr_t session, int level);

struct moonfireInput {
	AVFormatContext *format;
	int interrupted; /* read and written atomically */

	/* What follows is set before the thread starts. */
	pthread_t thread;
	int reading; /* there is a thread */
	int stream;
	enum AVCodecID codec;
	uintptr_t owner; /* of what libav logs; see libavlog.c */
	int level;
	int ready_fd;

	/* Of Go: what it has taken. */
	AVPacket *taken[MAX_PACKETS];
	int n_taken;
	moonfirePacket seen[MAX_PACKETS];

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t room;
	AVPacket *waiting[MAX_PACKETS];
	int64_t arrived_us[MAX_PACKETS];
	int n_waiting;
	int64_t waiting_bytes;
	int told; /* Go has been told of them */
	int stopping;
	int ended, error;
	int64_t waited_us;
};

/* tell is called with the lock held. */
static void tell(moonfireInput *in)
{
	uint64_t one = 1;

	if (in->told)
		return;
	in->told = 1;
	while (write(in->ready_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* interrupt_callback is called by libavformat before each wait, and every 100 ms
 * while it waits: so what waits for Go does not wait for the camera. */
static int interrupt_callback(void *opaque)
{
	moonfireInput *in = opaque;

	if (in->reading) {
		pthread_mutex_lock(&in->lock);
		if (in->n_waiting > 0 && !in->told && av_gettime_relative() - in->arrived_us[0] >= MAX_WAIT_US)
			tell(in);
		pthread_mutex_unlock(&in->lock);
	}
	return __atomic_load_n(&in->interrupted, __ATOMIC_SEQ_CST);
}

/* is_key tells whether a NAL unit is of a picture to start decoding at (ITU-T H.264
 * §7.4.1, H.265 §7.4.2.2), or a parameter set, which comes before one. */
static int is_key(enum AVCodecID codec, uint8_t header)
{
	int type;

	if (codec == AV_CODEC_ID_H264) {
		type = header & 0x1f;
		return type == 5 || type == 7;
	}
	type = header >> 1 & 0x3f;
	return codec == AV_CODEC_ID_HEVC && ((type >= 16 && type <= 23) || type == 32 || type == 33);
}

/* has_key looks at all NAL units of a packet: libavformat puts a start code before
 * each, also where the camera has sent several in one (RFC 6184 §5.7). */
static int has_key(enum AVCodecID codec, const AVPacket *packet)
{
	static const uint8_t start_code[] = {0, 0, 0, 1};
	const uint8_t *at = packet->data, *end = packet->data + packet->size;

	while (at && (at = memmem(at, end - at, start_code, sizeof(start_code)))) {
		at += sizeof(start_code);
		if (at < end && is_key(codec, *at))
			return 1;
	}
	return 0;
}

/* is_full is called with the lock held. */
static int is_full(const moonfireInput *in)
{
	return in->n_waiting == MAX_PACKETS || in->waiting_bytes >= MAX_BYTES;
}

/* keep makes a packet wait for Go. It returns 0 when the thread is to stop. */
static int keep(moonfireInput *in, AVPacket *packet, int urgent)
{
	int64_t now = av_gettime_relative();
	int stopping;

	pthread_mutex_lock(&in->lock);
	while (is_full(in) && !in->stopping)
		pthread_cond_wait(&in->room, &in->lock);
	stopping = in->stopping;
	if (!stopping) {
		in->waiting_bytes += packet->size;
		av_packet_move_ref(in->waiting[in->n_waiting], packet);
		in->arrived_us[in->n_waiting++] = now;
		if (urgent || is_full(in))
			tell(in);
	}
	pthread_mutex_unlock(&in->lock);
	return !stopping;
}

/* read_packets is the thread. Go is told of a key frame when it is complete, which
 * the first packet of the next frame says. */
static void *read_packets(void *argument)
{
	moonfireInput *in = argument;
	AVPacket *packet = av_packet_alloc();
	int64_t pts = AV_NOPTS_VALUE, began = 0;
	int error = AVERROR(ENOMEM), key = 0, urgent;

	moonfireEnterLibav(in->owner, in->level);
	while (packet) {
		began = av_gettime_relative();
		error = av_read_frame(in->format, packet);
		if (error < 0)
			break;
		if (packet->stream_index != in->stream) {
			av_packet_unref(packet);
			continue;
		}
		urgent = key && packet->pts != pts;
		key = has_key(in->codec, packet) || (key && !urgent);
		pts = packet->pts;
		if (!keep(in, packet, urgent))
			break;
	}
	av_packet_free(&packet);
	pthread_mutex_lock(&in->lock);
	in->ended = 1;
	in->error = error;
	in->waited_us = av_gettime_relative() - began;
	tell(in);
	pthread_mutex_unlock(&in->lock);
	return NULL;
}

moonfireInput *moonfireNewInput(AVFormatContext *format)
{
	moonfireInput *in = calloc(1, sizeof(*in));
	int complete = 1;

	if (!in)
		return NULL;
	in->format = format;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->room, NULL);
	for (int i = 0; i < MAX_PACKETS; i++) {
		in->taken[i] = av_packet_alloc();
		in->waiting[i] = av_packet_alloc();
		complete = complete && in->taken[i] && in->waiting[i];
	}
	if (!complete) {
		moonfireFreeInput(in);
		return NULL;
	}
	format->interrupt_callback.callback = interrupt_callback;
	format->interrupt_callback.opaque = in;
	return in;
}

void moonfireFreeInput(moonfireInput *in)
{
	if (!in)
		return;
	for (int i = 0; i < MAX_PACKETS; i++) {
		av_packet_free(&in->taken[i]);
		av_packet_free(&in->waiting[i]);
	}
	pthread_mutex_destroy(&in->lock);
	pthread_cond_destroy(&in->room);
	free(in);
}

void moonfireInterrupt(moonfireInput *in, int interrupted)
{
	__atomic_store_n(&in->interrupted, interrupted, __ATOMIC_SEQ_CST);
}

int moonfireStartReading(moonfireInput *in, int *ready_fd, int stream, uintptr_t owner, int level)
{
	sigset_t all, before;
	int error;

	in->stream = stream;
	in->codec = in->format->streams[stream]->codecpar->codec_id;
	in->owner = owner;
	in->level = level;
	in->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (in->ready_fd < 0)
		return errno;
	in->reading = 1;
	/* Signals are for Go's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&in->thread, NULL, read_packets, in);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		in->reading = 0;
		close(in->ready_fd);
		return error;
	}
	*ready_fd = in->ready_fd;
	return 0;
}

static int64_t camera_clock_us(const AVPacket *packet)
{
	size_t size;
	const uint8_t *data = av_packet_get_side_data(packet, AV_PKT_DATA_PRFT, &size);

	if (!data || size < sizeof(AVProducerReferenceTime))
		return AV_NOPTS_VALUE;
	return ((const AVProducerReferenceTime *)data)->wallclock;
}

/* see describes to Go what it has taken. */
static void see(moonfireInput *in)
{
	for (int i = 0; i < in->n_taken; i++) {
		const AVPacket *packet = in->taken[i];
		in->seen[i].data = packet->data;
		in->seen[i].size = packet->size;
		in->seen[i].pts = packet->pts;
		in->seen[i].clock_us = camera_clock_us(packet);
	}
}

void moonfireTakePackets(moonfireInput *in, moonfireTaken *taken)
{
	for (int i = 0; i < in->n_taken; i++)
		av_packet_unref(in->taken[i]);
	pthread_mutex_lock(&in->lock);
	in->n_taken = in->n_waiting;
	for (int i = 0; i < in->n_waiting; i++) {
		AVPacket *packet = in->waiting[i];
		in->waiting[i] = in->taken[i];
		in->taken[i] = packet;
		in->seen[i].arrived_us = in->arrived_us[i];
	}
	in->n_waiting = 0;
	in->waiting_bytes = 0;
	in->told = 0;
	taken->ended = in->ended;
	taken->error = in->error;
	taken->waited_us = in->waited_us;
	pthread_cond_signal(&in->room);
	pthread_mutex_unlock(&in->lock);
	see(in);
	taken->packets = in->seen;
	taken->n = in->n_taken;
}

void moonfireStopReading(moonfireInput *in)
{
	if (!in->reading)
		return;
	pthread_mutex_lock(&in->lock);
	in->stopping = 1;
	pthread_cond_signal(&in->room);
	pthread_mutex_unlock(&in->lock);
	pthread_join(in->thread, NULL);
	in->reading = 0;
}
