/* The smallest VST3 synth: a sine with a level and a pitch, and a state of its own.

   The order of the functions of each interface and the layout of the structures are the publicly documented ones; nothing here
   comes from anybody's SDK. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, NO = 1, PARAMS = 3, LEVEL = 0, PITCH = 1, FIRST = 100 }; /* a host may send what it likes to id 0 */

typedef int16_t Text[128];
typedef struct { void **calls; } Object;
typedef struct { int32_t media, direction, channels; Text name; int32_t kind; uint32_t flags; } Bus;
typedef struct { uint32_t id; Text title, brief, units; int32_t steps; double fresh; int32_t unit, flags; } Info;
typedef struct { int32_t mode, size, most; double rate; } Setup;
typedef struct { int32_t channels; uint64_t silent; float **samples; } Buffers;
typedef struct {
  int32_t mode, size, count, inputs, outputs;
  Buffers *in, *out;
  Object *changes, *changed, *events, *sent;
  void *context;
} Data;
typedef struct { int32_t bus, offset; double place; uint16_t flags, type; int64_t note[4]; } Event;

static const char *NAMES[PARAMS] = {"Level", "Osc Pitch", "Nothing"};
static const unsigned char CLASS[16] = "patchflow small";
static const unsigned char COMPONENT[16] = {0xE8, 0x31, 0xFF, 0x31, 0xF2, 0xD5, 0x43, 0x01, 0x92, 0x8E, 0xBB, 0xEE, 0x25, 0x69, 0x78, 0x02};
static const unsigned char PROCESSOR[16] = {0x42, 0x04, 0x3F, 0x99, 0xB7, 0xDA, 0x45, 0x3C, 0xA5, 0x69, 0xE7, 0x9D, 0x9A, 0xAE, 0xC3, 0x3D};
static const unsigned char CONTROLLER[16] = {0xDC, 0xD7, 0xBB, 0xE3, 0x77, 0x42, 0x44, 0x8D, 0xA8, 0x74, 0xAA, 0xCC, 0x97, 0x9C, 0x75, 0x9E};
static const unsigned char FACTORY[16] = {0x7A, 0x4D, 0x81, 0x1C, 0x52, 0x11, 0x4A, 0x1F, 0xAE, 0xD9, 0xD2, 0xEE, 0x0B, 0x43, 0xBF, 0x9F};
static const unsigned char ANYTHING[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46};
static const unsigned char BASE[16] = {0x22, 0x88, 0x8D, 0xDB, 0x15, 0x6E, 0x45, 0xAE, 0x83, 0x58, 0xB3, 0x48, 0x08, 0x19, 0x06, 0x25};

static double values[PARAMS] = {0.5, 0.5, 0.5}, rate = 44100, phase;
static int key = -1;
static Object component, processor, controller, factory, *handler;

static void copy(int16_t *to, const char *from) {
  while ((*to++ = *from++)) {}
}

static int32_t find(Object *self, const unsigned char *id, void **found) {
  *found = NULL;
  if (self == &factory) {
    if (!memcmp(id, FACTORY, 16) || !memcmp(id, ANYTHING, 16)) *found = &factory;
  } else if (!memcmp(id, COMPONENT, 16) || !memcmp(id, ANYTHING, 16) || !memcmp(id, BASE, 16)) *found = &component;
  else if (!memcmp(id, PROCESSOR, 16)) *found = &processor;
  else if (!memcmp(id, CONTROLLER, 16)) *found = &controller;
  return *found ? OK : -1;
}

static uint32_t one(Object *self) { return 1; }
static uint32_t none(Object *self) { return 0; }
static int32_t ok(Object *self) { return OK; }
static int32_t no(Object *self) { return NO; }
static void *nothing(Object *self) { return NULL; }

/* IComponent */
static int32_t bus_count(Object *self, int32_t media, int32_t direction) { return media == 0 ? direction == 1 : direction == 0; }
static int32_t bus_info(Object *self, int32_t media, int32_t direction, int32_t index, Bus *bus) {
  if (index || !bus_count(self, media, direction)) return NO;
  *bus = (Bus){media, direction, media == 0 ? 2 : 1, {0}, 0, 1};
  copy(bus->name, media == 0 ? "Out" : "Keys");
  return OK;
}
static int32_t load(Object *self, Object *stream) {
  double loaded[PARAMS];
  int32_t count = 0;
  ((int32_t (*)(Object *, void *, int32_t, int32_t *))stream->calls[3])(stream, loaded, sizeof loaded, &count);
  if (count != sizeof loaded) return NO;
  memcpy(values, loaded, sizeof values);
  return OK;
}
static int32_t save(Object *self, Object *stream) {
  int32_t count = 0;
  return ((int32_t (*)(Object *, void *, int32_t, int32_t *))stream->calls[4])(stream, values, sizeof values, &count);
}

/* IAudioProcessor */
static int32_t arrange(Object *self, uint64_t *in, int32_t ins, uint64_t *out, int32_t outs) { return !ins && outs == 1 && out[0] == 3 ? OK : NO; }
static int32_t arrangement(Object *self, int32_t direction, int32_t index, uint64_t *found) {
  *found = 3;
  return OK;
}
static int32_t can_size(Object *self, int32_t size) { return size == 0 ? OK : NO; }
static int32_t set_up(Object *self, Setup *setup) {
  rate = setup->rate;
  return OK;
}
static int32_t process(Object *self, Data *data) {
  if (data->changes) {
    int32_t count = ((int32_t (*)(Object *))data->changes->calls[3])(data->changes);
    for (int32_t i = 0; i < count; i++) {
      Object *queue = ((Object * (*)(Object *, int32_t))data->changes->calls[4])(data->changes, i);
      uint32_t id = ((uint32_t (*)(Object *))queue->calls[3])(queue);
      int32_t points = ((int32_t (*)(Object *))queue->calls[4])(queue), offset;
      double value;
      id -= FIRST;
      if (id < PARAMS && points && !((int32_t (*)(Object *, int32_t, int32_t *, double *))queue->calls[5])(queue, points - 1, &offset, &value)) values[id] = value;
    }
  }
  Event event;
  int32_t next = 0, count = data->events ? ((int32_t (*)(Object *))data->events->calls[3])(data->events) : 0;
  for (int32_t i = 0; i < data->count; i++) {
    while (next < count && !((int32_t (*)(Object *, int32_t, Event *))data->events->calls[4])(data->events, next, &event) && event.offset <= i) {
      if (event.type == 0) key = ((int16_t *)event.note)[1];
      if (event.type == 1) key = -1;
      next++;
    }
    double hz = 440.0 * pow(2.0, (key - 69) / 12.0 + values[PITCH] - 0.5);
    phase = key < 0 ? 0 : fmod(phase + hz / rate, 1.0);
    for (int32_t c = 0; data->outputs && c < data->out[0].channels; c++)
      data->out[0].samples[c][i] = key < 0 ? 0.0f : (float)(values[LEVEL] * sin(6.283185307179586 * phase));
  }
  return OK;
}

/* IEditController */
static int32_t parameters(Object *self) { return PARAMS; }
static int32_t info(Object *self, int32_t index, Info *found) {
  if (index < 0 || index >= PARAMS) return NO;
  memset(found, 0, sizeof *found);
  found->id = FIRST + index;
  found->fresh = 0.5;
  found->flags = 1;
  copy(found->title, NAMES[index]);
  return OK;
}
static int32_t shown(Object *self, uint32_t id, double value, int16_t *text) {
  char digits[8] = {value >= 1 ? '1' : '0', '.'};
  for (int i = 2; i < 6; i++) digits[i] = '0' + (int)(value * pow(10, i - 1)) % 10;
  copy(text, digits);
  return OK;
}
static double same(Object *self, uint32_t id, double value) { return value; }
static double get(Object *self, uint32_t id) { return id - FIRST < PARAMS ? values[id - FIRST] : 0; }
static int32_t set(Object *self, uint32_t id, double value) {
  if (id - FIRST < PARAMS) values[id - FIRST] = value;
  return OK;
}

static int32_t set_handler(Object *self, Object *given) {
  handler = given;
  return OK;
}
static int32_t follow(Object *self, Object *stream) { /* as most do: the host is told that values have changed */
  return handler ? ((int32_t (*)(Object *, int32_t))handler->calls[6])(handler, 2) : OK;
}

/* IPluginFactory */
static int32_t about(Object *self, char *found) {
  memset(found, 0, 452);
  strcpy(found, "patchflow");
  return OK;
}
static int32_t class_info(Object *self, int32_t index, char *found) {
  if (index) return NO;
  memset(found, 0, 116);
  memcpy(found, CLASS, 16);
  *(int32_t *)(found + 16) = 0x7FFFFFFF;
  strcpy(found + 20, "Audio Module Class");
  strcpy(found + 52, "small");
  return OK;
}
static int32_t create(Object *self, const unsigned char *class, const unsigned char *id, void **found) {
  return memcmp(class, CLASS, 16) ? NO : find(&component, id, found);
}

static void *COMPONENT_CALLS[] = {find, one, one, ok, ok, no, ok, bus_count, bus_info, no, ok, ok, load, save};
static void *PROCESSOR_CALLS[] = {find, one, one, arrange, arrangement, can_size, none, set_up, ok, process, none};
static void *CONTROLLER_CALLS[] = {find, one, one, ok, ok, follow, ok, ok, parameters, info, shown, no, same, same, get, set, set_handler, nothing};
static void *FACTORY_CALLS[] = {find, one, one, about, one, class_info, create};
static Object component = {COMPONENT_CALLS}, processor = {PROCESSOR_CALLS}, controller = {CONTROLLER_CALLS}, factory = {FACTORY_CALLS};

int ModuleEntry(void *handle) { return 1; }
int ModuleExit(void) { return 1; }
Object *GetPluginFactory(void) { return &factory; }
