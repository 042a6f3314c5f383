/*
 * Counts the guest instructions that qemu-user executes, for scripts/bench-arm.sh.
 *
 * -plugin insn-count.so,out=FILE: whenever the guest writes to its standard output, a line with the number
 * of instructions executed until then is added to FILE. A program that prints a line after each piece of its
 * work so marks the pieces, and needs to know nothing of being counted.
 *
 * Blocks of instructions are counted as a whole when they are entered. For one thread: counts of several
 * would be lost to races. Of QEMU's plugin interface (docs/devel/tcg-plugins of its source) the few functions
 * used are declared here, as they have been in all versions since 4.2: callbacks, since the cheaper inline
 * additions were changed in 9.1.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The version of the interface; each QEMU takes a range. Chosen by what compiles this. */
#ifndef QEMU_PLUGIN_VERSION
#define QEMU_PLUGIN_VERSION 1
#endif

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
enum reads_and_writes_registers { NO_REGISTERS };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*on_block)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, void (*on_entry)(unsigned, void *),
                                          enum reads_and_writes_registers flags, void *data);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id id,
                                          void (*on_call)(plugin_id, unsigned vcpu, int64_t number, uint64_t a1,
                                                          uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5,
                                                          uint64_t a6, uint64_t a7, uint64_t a8));

EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* write() of Linux on aarch64, and the descriptor of standard output. */
enum { CALL_WRITE = 64, STANDARD_OUTPUT = 1 };

static uint64_t executed;
static FILE *out;

static void on_entry(unsigned vcpu, void *instructions)
{
    (void)vcpu;
    executed += (uintptr_t)instructions;
}

static void on_block(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    uintptr_t instructions = qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_entry, NO_REGISTERS, (void *)instructions);
}

static void on_call(plugin_id id, unsigned vcpu, int64_t number, uint64_t descriptor, uint64_t a2, uint64_t a3,
                    uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)vcpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == CALL_WRITE && descriptor == STANDARD_OUTPUT) {
        fprintf(out, "%" PRIu64 "\n", executed);
        fflush(out);
    }
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int count, char **arguments)
{
    (void)info;
    if (count != 1 || strncmp(arguments[0], "out=", 4) != 0) {
        fprintf(stderr, "insn-count: expected one argument, out=FILE\n");
        return 1;
    }
    out = fopen(arguments[0] + 4, "w");
    if (!out) {
        perror(arguments[0] + 4);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
    qemu_plugin_register_vcpu_syscall_cb(id, on_call);
    return 0;
}
