"""A first script: one step, what binds it, what would make it faster, the best batch, and a layout for the machine."""

import steptime as st


def main() -> None:
    step = st.step("llama-3.1-70b", "h100-sxm", layout=st.Layout(tp=8), context=1000)
    crossing = step.crossover("compute", "memory", over="batch")
    print(f"{step.bound_by} binds: {step.time} s; compute takes over at batch {crossing.value}")

    faster: st.Step = step.replace(memory_bandwidth="4.8TB/s")
    print(f"with the memory of its successor: {faster.time} s")

    best = step.best_batch(minimise="cost", max_step_time="20ms")
    print(f"the batch of least cost within 20 ms: {best.whole['batch']}")

    found = st.search("llama-3.1-70b", ["h100-sxm", "h200-sxm"], chips=[4, 8], max_step_time="20ms")
    print(f"the best of {found.points} points: {found.best.layout}")

    try:
        st.step("llama-3.1-70b", "h100-smx")
    except st.UserError as error:
        print(error)


if __name__ == "__main__":
    main()
