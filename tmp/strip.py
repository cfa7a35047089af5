import json,os,shutil,sys
src='/work/shared/driftbench'; dst='/tmp/truth1-stripped'
os.makedirs(dst,exist_ok=True)
for d in sorted(os.listdir(src)):
    p=os.path.join(src,d)
    if not os.path.isdir(p): continue
    q=os.path.join(dst,d); os.makedirs(q,exist_ok=True)
    for n in os.listdir(p):
        t=os.path.join(q,n)
        if os.path.lexists(t): continue
        if n=='live.json':
            o=json.load(open(os.path.join(p,n)))
            for i in o['items']: i['metadata'].pop('managedFields',None)
            json.dump(o,open(t,'w'))
        else: os.symlink(os.path.join(p,n),t)
