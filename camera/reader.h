#include <pthread.h>
#include <stdint.h>

#include <libavformat/avformat.h>

/* moonfirePacket is what Go sees of a packet. */
typedef struct moonfirePacket {
	const uint8_t *data;
	int size;
	int64_t pts;        /* AV_NOPTS_VALUE if not known */
	int64_t arrived_us; /* by av_gettime_relative */
	int64_t clock_us;   /* what the camera's clock showed, AV_NOPTS_VALUE if not known */
} moonfirePacket;

/* moonfireTaken is what Go takes at once. */
typedef struct moonfireTaken {
	moonfirePacket *packets; /* valid until it takes the next ones */
	int n;
	int ended;         /* no others will come */
	int error;         /* why, of libav's */
	int64_t waited_us; /* how long libavformat took to say so */
} moonfireTaken;

/* moonfireInput is what this package adds to an AVFormatContext. */
typedef struct moonfireInput moonfireInput;

/* The callback that it sets serves what is opened later. NULL if there is no memory. */
moonfireInput *moonfireNewInput(AVFormatContext *format);

/* Does nothing to NULL; the context must have been closed. */
void moonfireFreeInput(moonfireInput *input);

/* Makes libavformat's calls return, or lets them be. */
void moonfireInterrupt(moonfireInput *input, int interrupted);

/* Starts a thread that reads a stream. Returns 0 or an errno. ready_fd receives an
 * eventfd that belongs to the caller. */
int moonfireStartReading(moonfireInput *input, int *ready_fd, int stream, uintptr_t owner, int level);

void moonfireTakePackets(moonfireInput *input, moonfireTaken *taken);

/* Waits for the thread, if there is one, which an interrupt must end. */
void moonfireStopReading(moonfireInput *input);
