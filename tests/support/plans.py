"""Plans as their makers and their agents speak of them."""


def step(name, *depends_on, **more):
    return {"id": name, "type": "work", "depends_on": list(depends_on), **more}


def create(operator, name, steps, **more):
    response = operator.ask("POST", "/api/v1/plans", {"id": name, "name": name, "steps": steps, **more})
    assert response.status in (200, 201), response
    return response.json()


def plan_of(operator, name):
    return operator.get(f"/api/v1/plans/{name}").json()


def states(operator, name):
    items = operator.get(f"/api/v1/plans/{name}/steps?limit=200").json()["items"]
    return {each["id"]: each["state"] for each in items}


def claim(agent, most=10, wait_ms=0, gateway=None):
    response = agent.ask("POST", "/api/v1/plans/claim", {"max": most, "wait_ms": wait_ms}, gateway)
    assert response.status == 200, response
    return response.json()["steps"]


def report(agent, claimed, verb, gateway=None, **body):
    return agent.ask("POST", f"/api/v1/plans/{claimed['plan_id']}/steps/{claimed['step_id']}/{verb}",
                     {"lease": claimed["lease"], **body}, gateway)


def complete(agent, claimed, gateway=None, **body):
    return report(agent, claimed, "complete", gateway, **body)


def work_off(agent, result=None):
    """Everything that the agent can do, in the order it came."""
    done = []
    while claimed := claim(agent):
        for each in claimed:
            response = complete(agent, each, result=result or {"by": each["step_id"]})
            assert response.status == 200, response
            done.append(each["step_id"])
    return done


def events(operator, name):
    found, after = [], 0
    while items := operator.get(f"/api/v1/plans/{name}/events?after={after}").json()["items"]:
        found += items
        after = items[-1]["sequence"]
    return found
